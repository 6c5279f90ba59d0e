"""What the blocks of a pass were made from, as digests, so that a run can tell which of them an edit concerns.

A digest stands for what lies in the arrays: it is written after the rows or pixels that it belongs to, and taken away
before they are overwritten. So it is true at any moment, whenever the process is killed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

SIZE = 16
"""Bytes of a digest."""
Digests = NDArray[np.uint8]


class Served:
    """The digests of one pass, ``units`` of them for each block, in a file that the block's task owns; 0 for none."""

    def __init__(self, array: zarr.Array[Any]) -> None:
        self._array, self._units = array, array.chunks[0]

    @classmethod
    def create(cls, group: zarr.Group, name: str, blocks: int, units: int) -> None:
        """Create the pass's digests, unless an earlier run did."""
        if name not in group:
            group.create_array(
                name, shape=(blocks * units, SIZE), chunks=(units, SIZE), dtype="uint8", compressors=None, fill_value=0
            )

    def read(self, block: int) -> Digests:
        """The digests (units, 16) of a block."""
        return np.asarray(self._array[self._rows(block)])

    def write(self, block: int, digests: Digests) -> None:
        """Put ``digests`` (units, 16) in the place of what is there."""
        self._array[self._rows(block)] = digests

    def _rows(self, block: int) -> slice:
        return slice(block * self._units, (block + 1) * self._units)
