"""Lines and areas: thousands of sub-pixel strands by splatting, solid shapes by polygons."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hdmatt_core.training.procedural.paint import Floats, Paint, shrink

_STEP = 0.8
_GROUP = 256
_FINER = 2


class Strands(NamedTuple):
    """s curves of p points: x, y (s, p, 2) and width (s, p) in parts of the canvas, colour (s, p, 3)."""

    points: Floats
    width: Floats
    colour: Floats

    def some(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Strands:
        """Select strands."""
        return Strands(self.points[chosen], self.width[chosen], self.colour[chosen])


def splat(strands: Strands, n: int) -> Paint:
    """Draw strands on n x n pixels: each deposits its width in every pixel it runs through, up to full cover.

    A strand wider than a pixel is drawn as several side by side, lit like a cylinder.
    """
    order = np.argsort([_length(points) for points in strands.points])
    groups = [strands.some(order[at : at + _GROUP]) for at in range(0, len(order), _GROUP)]
    spots = [_spots(group, n) for group in groups]
    if not spots:
        return np.zeros((4, n, n), np.float32)
    place, weight, colour = (np.concatenate(parts) for parts in zip(*spots, strict=True))
    cover = _deposit(place, weight, n)
    planes = np.empty((4, n, n), np.float32)
    planes[3] = np.minimum(cover, 1)
    scale = planes[3] / np.maximum(cover, np.float32(1e-6))
    for channel in range(3):
        planes[channel] = scale * _deposit(place, weight * colour[:, channel], n)
    return planes


def _length(points: Floats) -> float:
    return float(np.hypot(*(points[1:] - points[:-1]).T).sum())


def _spots(group: Strands, n: int) -> tuple[Floats, Floats, Floats]:
    """Places (m, 2) in pixels, cover (m,) and colour (m, 3) of dots less than a pixel apart along the strands."""
    steps = max(2, int(np.ceil(_length(group.points[-1]) * n / _STEP)))
    points, width, colour = (
        _finer(part, steps) for part in (group.points * n, group.width[..., None] * n, group.colour)
    )
    along = np.diff(points, axis=1, append=points[:, -1:])
    along[:, -1] = along[:, -2]
    # p dots stand for p - 1 steps.
    share = np.float32((steps - 1) / steps)
    length = np.hypot(along[..., 0], along[..., 1])[..., None]
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1) / np.maximum(length, np.float32(1e-6))
    copies = max(1, int(np.ceil(width.max())))
    parts = []
    for copy in range(copies):
        aside = np.float32((copy + 0.5) / copies - 0.5)
        lit = np.float32(1 + (0.35 * aside - 0.5 * aside**2 if copies > 1 else 0))
        parts.append((points + aside * width * across, share * length * width / copies, np.minimum(colour * lit, 1)))
    place, weight, hue = (np.concatenate(part).reshape(-1, part[0].shape[-1]) for part in zip(*parts, strict=True))
    inside = ((place > -1) & (place < n + 1)).all(axis=1) & (weight[:, 0] > 0)
    return place[inside], weight[inside, 0], hue[inside]


def _finer(part: Floats, steps: int) -> Floats:
    """Interpolate (s, p, c) linearly to (s, steps, c)."""
    at = np.linspace(0, part.shape[1] - 1, steps, dtype=np.float32)
    low = np.minimum(at.astype(np.int64), part.shape[1] - 2)
    share = (at - low)[None, :, None]
    return np.asarray(part[:, low] * (1 - share) + part[:, low + 1] * share, dtype=np.float32)


def _deposit(place: Floats, weight: Floats, n: int) -> Floats:
    """Share each weight among the four pixels around its place."""
    shifted = place + np.float32(0.5)
    whole = np.floor(shifted).astype(np.int64)
    x, y = (shifted - whole).T
    # A frame of one pixel takes what falls outside.
    index = (whole[:, 1] + 1) * (n + 4) + whole[:, 0] + 1
    total = np.zeros((n + 4) ** 2)
    for down, right, share in ((0, 0, (1 - x) * (1 - y)), (0, 1, x * (1 - y)), (1, 0, (1 - x) * y), (1, 1, x * y)):
        total += np.bincount(index + down * (n + 4) + right, weight * share, (n + 4) ** 2)
    return np.asarray(total.reshape(n + 4, n + 4)[2:-2, 2:-2], dtype=np.float32)


class Inker:
    """Opaque polygons in painter's order on n x n pixels, drawn finer and averaged; places in parts of the canvas."""

    def __init__(self, n: int) -> None:
        self._size = n * _FINER
        self._image = Image.new("RGBA", (self._size, self._size))
        self._pen = ImageDraw.Draw(self._image)

    def polygon(self, points: Floats, colour: Floats) -> None:
        """Fill a polygon (m, 2)."""
        ink = tuple(int(v) for v in np.clip(colour * 255 + 0.5, 0, 255))
        self._pen.polygon([(float(x), float(y)) for x, y in points * self._size], fill=(*ink, 255))

    def ribbon(self, points: Floats, width: Floats, colour: Floats) -> None:
        """Draw a curve (m, 2) of changing width (m,) and colour (m, 3)."""
        along = np.gradient(points, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        across *= (0.5 * width / np.maximum(np.hypot(*along.T), 1e-6))[:, None]
        left, right = points + across, points - across
        for at in range(len(points) - 1):
            self.polygon(np.stack([left[at], left[at + 1], right[at + 1], right[at]]), colour[at])

    def planes(self) -> Paint:
        """Return what was drawn, premultiplied."""
        bands = [np.asarray(band, dtype=np.float32) / np.float32(255) for band in self._image.split()]
        return shrink(np.stack(bands), _FINER)
