"""Rows that a process keeps between two passes: in memory as far as there is room for them, in files beyond that.

Nothing depends on a row being kept: a task that misses one makes it again. So a process may die, a worker may take
over another's blocks, and a picture may be larger than the room.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping

import numpy as np

from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.runtime.spill import Spill
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array

Rows = Mapping[int, Array]


class Kept:
    """Rows by block and array: of a block all that was given, or nothing; at most ``room`` bytes of memory together.

    What does not fit goes to ``spill``, if there is one.
    """

    def __init__(self, room: int, spill: Spill | None = None) -> None:
        self._room, self._spill = room, spill
        self._blocks: dict[int, dict[Ref, Rows]] = {}
        self._slots: dict[int, frozenset[int]] = {}  # those that were given; rows of zeros are not in _blocks
        self._lock = threading.Lock()

    def put(self, block: int, slots: Collection[int], arrays: Mapping[Ref, Array]) -> None:
        """Keep the rows (len(slots), ...) of ``arrays``; they are not copied, and must not be written to any more.

        A row of zeros is not kept but known: patches that nobody asks about have such rows, and they are most.
        """
        rows: dict[Ref, Rows] = {ref: _with_content(slots, made) for ref, made in arrays.items()}
        size = _size(rows)
        with self._lock:
            self._release(block)
            if self._spill is not None:
                self._spill.drop(block)
            self._slots[block] = frozenset(slots)
            if size <= self._room:
                self._blocks[block] = rows
                self._room -= size
                return
        if self._spill is not None:
            self._spill.put(block, rows)

    def get(self, block: int, slots: Collection[int], specs: Mapping[Ref, ArraySpec]) -> dict[Ref, Array] | None:
        """The rows (len(slots), ...) of the arrays in ``specs``, or None if any of them is not kept."""
        with self._lock:
            kept = self._blocks.get(block, {})
            if not self._slots.get(block, frozenset()).issuperset(slots):
                return None
        if specs.keys() <= kept.keys():
            return {ref: _filled(kept[ref], slots, spec) for ref, spec in specs.items()}
        return None if self._spill is None else self._spill.get(block, slots, specs)

    def drop(self, block: int) -> None:
        """Forget the rows of a block; there is room for others then."""
        with self._lock:
            self._release(block)
        if self._spill is not None:
            self._spill.drop(block)

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._blocks.clear()
            self._slots.clear()
        if self._spill is not None:
            self._spill.close()

    def _release(self, block: int) -> None:
        self._slots.pop(block, None)
        self._room += _size(self._blocks.pop(block, {}))


def _with_content(slots: Collection[int], made: Array) -> Rows:
    return {slot: row for slot, row in zip(slots, made, strict=True) if row.any()}


def _filled(rows: Rows, slots: Collection[int], spec: ArraySpec) -> Array:
    filled = np.zeros((len(slots), *spec.shape[1:]), spec.dtype)
    for i, slot in enumerate(slots):
        if slot in rows:
            filled[i] = rows[slot]
    return filled


def _size(arrays: Mapping[Ref, Rows]) -> int:
    return sum(row.nbytes for rows in arrays.values() for row in rows.values())
