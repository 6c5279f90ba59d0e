"""Rows that a process keeps between two passes, as far as there is room for them.

Nothing depends on a row being kept: a task that misses one makes it again. So a process may die, a worker may take
over another's blocks, and a picture may be larger than the room.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping

import numpy as np

from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array

Rows = Mapping[int, Array]


class Kept:
    """Rows by block and array: of a block all that was given, or nothing; at most ``room`` bytes together."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._blocks: dict[int, dict[Ref, Rows]] = {}
        self._lock = threading.Lock()

    def put(self, block: int, slots: Collection[int], arrays: Mapping[Ref, Array]) -> None:
        """Keep the rows (len(slots), ...) of ``arrays``; they are not copied, and must not be written to any more.

        A row of zeros is not kept but known: patches that nobody asks about have such rows, and they are most.
        """
        rows: dict[Ref, Rows] = {ref: _with_content(slots, made) for ref, made in arrays.items()}
        size = _size(rows)
        with self._lock:
            self._release(block)
            if size <= self._room:
                self._blocks[block] = rows
                self._room -= size

    def get(self, block: int, slots: Collection[int], specs: Mapping[Ref, ArraySpec]) -> dict[Ref, Array] | None:
        """The rows (len(slots), ...) of the arrays in ``specs``, or None if any of them is not kept."""
        with self._lock:
            kept = self._blocks.get(block, {})
        if not specs.keys() <= kept.keys():
            return None
        return {ref: _filled(kept[ref], slots, spec) for ref, spec in specs.items()}

    def drop(self, block: int) -> None:
        """Forget the rows of a block; there is room for others then."""
        with self._lock:
            self._release(block)

    def _release(self, block: int) -> None:
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
