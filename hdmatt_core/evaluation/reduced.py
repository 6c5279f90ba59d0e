"""A picture of any size made small enough to be shown, read window by window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.runtime.workspace import Workspace

WINDOW = 1024
"""Side of the windows that are read, px, at the least."""


def reduced(space: Workspace, ref: Ref, longest: int) -> tuple[NDArray[np.uint8], int]:
    """An image (H, W, 3) in 8 bits with ``longest`` px at most on its longer side, and the factor it was reduced by.

    Each pixel is the mean of factor x factor; pixels beyond the last whole one are left out.
    """
    height, width = space.spec(ref).shape[:2]
    factor = -(-max(height, width) // longest)
    rows, columns = max(1, height // factor), max(1, width // factor)
    small = np.zeros((rows, columns, 3), np.uint8)
    side = max(1, WINDOW // factor)
    for box in blocks_of((rows, columns), (side, side)):
        window = Box((box.start[0] * factor, box.start[1] * factor), (box.stop[0] * factor, box.stop[1] * factor))
        small[box.slices] = _means(colour8(space.window(ref, window)), factor)
    return small, factor


def colour8(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours of any dtype in 8 bits; floats are meant to lie in 0..1."""
    if image.dtype == np.uint8:
        return np.asarray(image)
    top = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
    return (np.clip(image.astype(np.float32) / top, 0, 1) * 255 + 0.5).astype(np.uint8)


def _means(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    height, width = (side // factor for side in pixels.shape[:2])
    blocks = pixels.reshape(height, factor, width, factor, 3)
    return np.asarray(blocks.mean(axis=(1, 3)) + 0.5, np.uint8)
