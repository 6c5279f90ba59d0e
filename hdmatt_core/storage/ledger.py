"""Which blocks of which pass are finished.

A chunk of zeros is not stored by zarr, so the presence of chunks says nothing: mattes are mostly zeros. The ledger
is one small uint16 array per pass, a cell per block, written only by the client after each receipt. A cell holds the
generation of the store that the block was finished in: inputs that change make another generation, and with that one
number every block is unfinished, before anything of it is looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray


class Ledger:
    """The finished blocks of one pass: ``done`` (blocks,) bool in memory, mirrored in one chunk on disk."""

    def __init__(self, group: zarr.Group, name: str, blocks: int, generation: int = 1) -> None:
        if name in group:
            self._array: zarr.Array[Any] = _array(group, name)
        else:
            self._array = group.create_array(
                name, shape=(blocks,), chunks=(max(blocks, 1),), dtype="uint16", compressors=None, fill_value=0
            )
        if self._array.shape != (blocks,):
            raise ValueError(f"ledger {name} has {self._array.shape} cells for {blocks} blocks")
        self._cells = np.array(self._array[:], dtype=np.uint16)
        self._generation = generation

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
        """Record that ``block`` is finished; its shards must be on disk already."""
        self._cells[block] = self._generation
        self._array[:] = self._cells


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    found = group[name]
    if not isinstance(found, zarr.Array):
        raise TypeError(f"{name} is not an array")
    return found
