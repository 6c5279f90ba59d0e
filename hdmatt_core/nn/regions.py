"""Regions of a trimap at full and at feature resolution; numpy alone, so that planning needs no torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.errors import UserError

BACKGROUND, UNKNOWN, FOREGROUND = 0, 1, 2
UNKNOWN_FROM, FOREGROUND_FROM = 85, 170
"""Trimaps in the wild hold other values than 0, 128 and 255: below the first is background."""


def trimap_classes(trimap: NDArray[Any]) -> NDArray[np.uint8]:
    """Map trimap values (< 85 background, >= 170 foreground, else unknown) to 0, 1 and 2, of the same shape."""
    values = np.asarray(trimap)
    return (values >= UNKNOWN_FROM).astype(np.uint8) + (values >= FOREGROUND_FROM)


def downsample_regions(trimap: NDArray[Any], stride: int = 16) -> NDArray[np.uint8]:
    """Shrink a trimap (B, H, W) of 0/128/255 to regions (B, H/stride, W/stride) of 0, 1 and 2.

    A cell is unknown if any of its pixels is, else foreground if at least half of them are, else background.
    Raises UserError where H or W is no multiple of the stride.
    """
    batch, height, width = trimap.shape
    if height % stride or width % stride:
        raise UserError(f"a patch of {width} x {height} px does not divide by {stride}; use a multiple of {stride}")
    cells = trimap_classes(trimap).reshape(batch, height // stride, stride, width // stride, stride)
    unknown = (cells == UNKNOWN).any(axis=(2, 4))
    foreground = 2 * (cells == FOREGROUND).sum(axis=(2, 4)) >= stride * stride
    regions = np.where(foreground, FOREGROUND, BACKGROUND)
    return np.where(unknown, UNKNOWN, regions).astype(np.uint8)
