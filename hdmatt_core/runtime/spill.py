"""Rows that memory has no room to keep, in plain files of this process: reading them back is quicker than making them.

Like all kept rows they may be lost at any time. So they are neither synced nor in a ledger, a full disk is no fault,
and what a killed process left behind is thrown away.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array

FOLDER = "kept"
"""In the run's store: a folder for each process."""
Rows = Mapping[int, Array]


class Spill:
    """Rows by block and array, a file for each block; ``reserve`` bytes of the disk are left free."""

    def __init__(self, store: Path, token: str, reserve: int) -> None:
        self._folder = store / FOLDER / f"{socket.gethostname()}-{os.getpid()}-{token[:8]}"
        self._reserve = reserve
        self._places: dict[int, dict[Ref, dict[int, int]]] = {}  # of a block: for each array, slot: place in the file

    def put(self, block: int, arrays: Mapping[Ref, Rows]) -> None:
        """Keep the rows of a block; not if there is no room on disk."""
        size = sum(row.nbytes for rows in arrays.values() for row in rows.values())
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self._folder).free - size > self._reserve:
                self._places[block] = _write(self._path(block), arrays)
        except OSError:  # a quota, a limit on files: the rows are made again
            self.drop(block)

    def get(self, block: int, slots: Collection[int], specs: Mapping[Ref, ArraySpec]) -> dict[Ref, Array] | None:
        """The rows (len(slots), ...) of the arrays in ``specs``, or None if any of them is not kept."""
        places = self._places.get(block)
        if places is None or not specs.keys() <= places.keys():
            return None
        try:
            with self._path(block).open("rb") as file:
                return {ref: _read(file.fileno(), places[ref], slots, spec) for ref, spec in specs.items()}
        except OSError:  # somebody tidied up
            self.drop(block)
            return None

    def drop(self, block: int) -> None:
        """Forget the rows of a block."""
        self._places.pop(block, None)
        with suppress(OSError):  # it was never written
            self._path(block).unlink()

    def close(self) -> None:
        """Forget everything, and leave nothing behind."""
        self._places.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, block: int) -> Path:
        return self._folder / str(block)


def discard_spilled(store: Path) -> None:
    """Remove what the processes of an earlier run left behind."""
    shutil.rmtree(store / FOLDER, ignore_errors=True)


def _write(path: Path, arrays: Mapping[Ref, Rows]) -> dict[Ref, dict[int, int]]:
    """Write the rows one after another; returns where each begins."""
    places: dict[Ref, dict[int, int]] = {}
    with path.open("wb", buffering=0) as file:
        for ref, rows in arrays.items():
            places[ref] = {}
            for slot, row in rows.items():
                places[ref][slot] = file.tell()
                np.ascontiguousarray(row).tofile(file)
    return places


def _read(file: int, places: Mapping[int, int], slots: Collection[int], spec: ArraySpec) -> Array:
    rows = np.zeros((len(slots), *spec.shape[1:]), spec.dtype)
    for row, slot in zip(rows, slots, strict=True):
        if slot in places and os.preadv(file, [row.reshape(-1).view(np.uint8)], places[slot]) < row.nbytes:
            raise OSError(f"a file of kept rows is cut short at tile {slot}")
    return rows
