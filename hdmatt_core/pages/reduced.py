"""A picture of any size made small enough to be shown, read window by window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.runtime.workspace import Workspace

WINDOW = 1024
"""Side of the windows that are read, px, at the least."""

Bytes = NDArray[np.uint8]


def reduced(space: Workspace, ref: Ref, longest: int) -> tuple[Bytes, int]:
    """An image (H, W, 3) in 8 bits with ``longest`` px at most on its longer side, and the factor it was reduced by."""
    shape = space.spec(ref).shape[:2]
    factor = -(-max(shape) // longest)
    return shrunk(shape, factor, lambda box: colour8(space.window(ref, box))), factor


def shrunk(shape: tuple[int, ...], factor: int, read: Callable[[Box], Bytes]) -> Bytes:
    """Pixels (H, W) or (H, W, C) that ``read`` gives window by window, each the mean of factor x factor.

    Pixels beyond the last whole one are left out; of a side shorter than ``factor`` one is left.
    """
    rows, columns = max(1, shape[0] // factor), max(1, shape[1] // factor)
    side, small = max(1, WINDOW // factor), None
    for box in blocks_of((rows, columns), (side, side)):
        window = Box((box.start[0] * factor, box.start[1] * factor), (box.stop[0] * factor, box.stop[1] * factor))
        piece = _means(read(window), factor)
        if small is None:
            small = np.zeros((rows, columns, *piece.shape[2:]), np.uint8)
        small[box.slices] = piece
    assert small is not None  # a picture has a pixel
    return small


def colour8(image: NDArray[Any]) -> Bytes:
    """Colours of any dtype in 8 bits; floats are meant to lie in 0..1."""
    if image.dtype == np.uint8:
        return np.asarray(image)
    top = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
    return (np.clip(image.astype(np.float32) / top, 0, 1) * 255 + 0.5).astype(np.uint8)


def _means(pixels: Bytes, factor: int) -> Bytes:
    height, width = (side // factor for side in pixels.shape[:2])
    # Whole rows first, and in whole numbers: several times as fast as both axes at once, or as numpy's mean.
    rows = pixels.reshape(height, factor, -1).sum(axis=1, dtype=np.uint32)
    sums = rows.reshape(height, width, factor, *pixels.shape[2:]).sum(axis=2, dtype=np.uint32)
    return np.asarray((sums + factor**2 // 2) // factor**2, np.uint8)
