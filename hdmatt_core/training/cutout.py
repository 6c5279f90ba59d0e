"""A foreground ready for composition: colour, alpha and the pixels worth looking at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

_SOFT = (8, 247)


class Cutout:
    """Straight colour and alpha of one foreground, at full and half size; `anchors` (n, 2) are x, y of soft pixels."""

    def __init__(self, colour: Image.Image, alpha: Image.Image) -> None:
        self.levels = [(colour, alpha), (colour.reduce(2), alpha.reduce(2))]
        self.size: tuple[int, int] = colour.size
        self.anchors = _anchors(np.asarray(alpha))


def _anchors(alpha: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Soft pixels; where there is none, pixels beside an edge; where there is none either, all."""
    chosen = (alpha > _SOFT[0]) & (alpha < _SOFT[1])
    if chosen.sum() < 50:
        solid = alpha >= 128
        chosen = chosen | (ndimage.binary_dilation(solid) & ~solid)
    rows, columns = np.nonzero(chosen if chosen.any() else np.ones_like(chosen))
    step = max(1, len(rows) // 4000)
    return np.stack([columns[::step], rows[::step]], axis=1)


def spread_colour(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give pixels of (almost) no alpha the colour of the nearest visible one: under alpha 0 a file's is meaningless."""
    hidden = alpha < 16
    if not hidden.any() or hidden.all():
        return colour
    nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
    spread: NDArray[np.uint8] = colour[tuple(nearest)]
    return spread
