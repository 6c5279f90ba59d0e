"""Trimaps as people draw them: narrow and wide bands, and regions that are wholly unknown."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

Band = Literal["narrow", "wide", "wide with wholly unknown regions"]
BANDS: tuple[Band, ...] = ("narrow", "wide", "narrow", "wide with wholly unknown regions")

_LEAST = 0.002
"""Share of the pixels that must be known foreground, and as many known background: every method needs some of both."""
_TRIES = 12

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def draw_trimap(alpha: Bytes, band: Band, rng: Generator) -> Bytes | None:
    """A trimap (H, W) for a matte (H, W) of 8 bits: all soft pixels and a band around them are unknown.

    The band reaches 2 to 12 px to either side, or 2 to 6 % of the picture's side if it is wide, drawn apart for the
    two sides. Where that leaves too little known, it is less within a few discs, as where somebody took pains.
    None where alpha itself has too little of 0 or 1.
    """
    soft = (alpha > 0) & (alpha < 255)
    reach = np.sqrt(alpha.size) * rng.uniform(0.02, 0.06, 2) if band != "narrow" else rng.uniform(2, 12, 2)
    far = ndimage.distance_transform_edt(~(soft | borders(alpha >= 128)))
    solid = alpha >= 128
    unknown = (far <= np.where(solid, reach[0], reach[1])) | soft
    if band == "wide with wholly unknown regions":
        unknown |= _discs(soft, rng, int(rng.integers(2, 5)), (0.08, 0.16))
    for attempt in range(_TRIES):
        scarce = [side & ~soft for side in (solid, ~solid) if float((side & ~unknown).mean()) < _LEAST]
        if not scarce:
            return np.where(unknown, 128, np.where(solid, 255, 0)).astype(np.uint8)
        if float(scarce[0].mean()) < _LEAST:
            return None
        clear = _discs(scarce[0], rng, 1, (0.05, 0.12)) & ~soft & ((far > 1) | scarce[0])
        # The last tries make known whatever may be.
        unknown &= ~(clear | (scarce[0] & (attempt >= _TRIES - 3)))
    return None


def _discs(where: Mask, rng: Generator, count: int, radii: tuple[float, float]) -> Mask:
    """Discs around pixels of ``where``; radii are parts of the picture's side."""
    rows, columns = np.nonzero(where)
    y, x = np.ogrid[: where.shape[0], : where.shape[1]]
    covered = np.zeros_like(where)
    for _ in range(count if len(rows) else 0):
        at, radius = rng.integers(len(rows)), rng.uniform(*radii) * np.sqrt(where.size)
        covered |= np.square(y - rows[at]) + np.square(x - columns[at]) <= radius**2
    return covered


def borders(solid: Mask) -> Mask:
    """Where a mask (H, W) differs from the pixel above or to the left."""
    edges = np.zeros_like(solid)
    edges[:, 1:] |= solid[:, 1:] != solid[:, :-1]
    edges[1:] |= solid[1:] != solid[:-1]
    return edges
