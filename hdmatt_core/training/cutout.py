"""A foreground ready for composition: colour, alpha and the pixels worth looking at."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

_SOFT = (8, 247)
_SMALLEST = 32
Pixels = NDArray[np.uint8]


class Cutout:
    """Straight colour and alpha of one foreground; `anchors` (n, 2) are x, y of soft pixels."""

    def __init__(self, colour: Image.Image, alpha: Image.Image) -> None:
        self.colour, self.alpha = colour, alpha
        self.size: tuple[int, int] = colour.size
        self.anchors = _anchors(np.asarray(alpha))
        self._smaller: list[Pixels] = []

    @property
    def nbytes(self) -> int:
        """Memory, the smaller sizes included."""
        return self.size[0] * self.size[1] * 16 // 3 + self.anchors.nbytes

    @property
    def levels(self) -> list[tuple[Image.Image, Image.Image]]:
        """Colour and alpha at full and half size, each averaged by itself."""
        return [(self.colour, self.alpha), (self.colour.reduce(2), self.alpha.reduce(2))]

    @cached_property
    def depth(self) -> int:
        """How many times it can be halved, at least once."""
        side, depth = (min(self.size) + 1) // 2, 1
        while side >= 2 * _SMALLEST:
            side, depth = (side + 1) // 2, depth + 1
        return depth

    def smaller(self, level: int) -> Pixels:
        """RGBA (h, w, 4) at a half, a quarter and so on, averaged as light adds up: colour weighted by alpha."""
        while len(self._smaller) < level:
            whole = np.dstack([np.asarray(self.colour), np.asarray(self.alpha)])
            self._smaller.append(_halved(self._smaller[-1] if self._smaller else whole))
        return self._smaller[level - 1]

    def window(self, level: int, box: tuple[int, int, int, int]) -> tuple[Image.Image, Pixels]:
        """Cut colour and alpha out of a level: 0 is full size; the box is left, top, right, bottom in its pixels."""
        if level == 0:
            return self.colour.crop(box), np.asarray(self.alpha.crop(box))
        left, top, right, bottom = box
        pixels = self.smaller(level)[top:bottom, left:right]
        return Image.fromarray(np.ascontiguousarray(pixels[..., :3])), pixels[..., 3]

    def extent(self, level: int) -> tuple[int, int]:
        """Width and height of a level."""
        height, width = self.smaller(level).shape[:2] if level else self.size[::-1]
        return width, height


def _halved(pixels: Pixels) -> Pixels:
    """Average squares of two by two of RGBA (h, w, 4); where nothing is visible, colours count alike."""
    even = np.pad(pixels, ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0)), mode="edge")
    squares = even.astype(np.float32).reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, 4)
    weight = squares[..., 3:] + np.float32(1e-3)
    colour = (squares[..., :3] * weight).sum(axis=(1, 3)) / weight.sum(axis=(1, 3))
    mean = np.concatenate([colour, squares[..., 3:].mean(axis=(1, 3))], axis=2)
    return np.asarray(mean + np.float32(0.5), dtype=np.uint8)


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
