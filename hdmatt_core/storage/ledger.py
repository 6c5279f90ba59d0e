"""Which blocks of which pass are finished.

A chunk of zeros is not stored by zarr, so the presence of chunks says nothing: mattes are mostly zeros. The ledger
is one small uint16 array per pass, a cell per block, written only by the client after each receipt. A cell holds the
generation of the store that the block was finished in: inputs that change make another generation, and with that one
number every block is unfinished, before anything of it is looked at.

The chunk is not compressed, so its file holds the cells as they are, and a cell is written into it: zarr takes seven
milliseconds for it, of the one thread that hands out blocks. Two bytes are there or they are not, whoever is killed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import LocalStore

from hdmatt_core.errors import UserError
from hdmatt_core.shards.files import file_of, in_files


class Ledger:
    """The finished blocks of one pass: ``done`` (blocks,) bool in memory, mirrored in one chunk on disk."""

    def __init__(
        self, group: zarr.Group, name: str, blocks: int, generation: int = 1, ours: Callable[[], bool] = lambda: True
    ) -> None:
        if name in group:
            self._array: zarr.Array[Any] = _array(group, name)
        else:
            self._array = group.create_array(
                name, shape=(blocks,), chunks=(max(blocks, 1),), dtype="uint16", compressors=None, fill_value=0
            )
        if self._array.shape != (blocks,):
            raise ValueError(f"ledger {name} has {self._array.shape} cells for {blocks} blocks")
        self._cells = np.array(self._array[:], dtype=np.uint16)
        self._generation, self._ours = generation, ours
        self._file = _file(self._array, self._cells)

    @property
    def done(self) -> NDArray[np.bool_]:
        done: NDArray[np.bool_] = self._cells == self._generation
        return done

    @property
    def left(self) -> NDArray[np.bool_]:
        """Blocks (blocks,) that an earlier generation finished: what lies there may be true still, or not."""
        left: NDArray[np.bool_] = (self._cells != 0) & ~self.done
        return left

    def mark(self, block: int) -> None:
        """Record that ``block`` is finished; its shards must be on disk already.

        UserError if the store is gone, or another run's by now: its blocks are not ours to mark.
        """
        self._cells[block] = self._generation
        if not self._ours():
            raise overtaken(_folder(self._array))
        if self._file is None:
            self._array[:] = self._cells
            return
        try:
            file = os.open(self._file, os.O_WRONLY)
        except FileNotFoundError:
            raise overtaken(_folder(self._array)) from None
        try:
            os.pwrite(file, self._cells[block].tobytes(), block * self._cells.itemsize)
        finally:
            os.close(file)


def overtaken(store: Path) -> UserError:
    """Another run began anew in a store, or somebody took it away."""
    return UserError(f"{store}: was begun anew by another run, or is gone; this one ends")


def _folder(array: zarr.Array[Any]) -> Path:
    """The run's store that an array of its ledger lies in."""
    return array.store.root.parent if isinstance(array.store, LocalStore) else Path(str(array.store))


def _file(array: zarr.Array[Any], cells: NDArray[np.uint16]) -> Path | None:
    """The file of the only chunk, whole and with these cells; None where the store is no folder."""
    if not in_files(array):
        return None
    file = file_of(array, (0,))
    if not file.exists():  # zarr does not store a chunk of zeros
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_bytes(cells.tobytes())
        partial.replace(file)
    return file


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    found = group[name]
    if not isinstance(found, zarr.Array):
        raise TypeError(f"{name} is not an array")
    return found
