"""Premultiplied planes: the only form in which layers are laid over each other, filtered and shrunk exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hdmatt_core.training.cutout import Cutout

Floats = NDArray[np.floating[Any]]
Paint = Floats
"""(4, N, N) float32: red, green and blue multiplied by alpha, and alpha, all 0..1."""
_BILINEAR = Image.Resampling.BILINEAR


def paint(colour: Floats, alpha: Floats) -> Paint:
    """Join straight colour (3, N, N) or (3,) and alpha (N, N), clipped to 0..1, into premultiplied planes."""
    alpha = np.clip(alpha, 0, 1)
    planes = np.empty((4, *alpha.shape), np.float32)
    planes[:3] = np.clip(colour.reshape(3, *colour.shape[1:] or (1, 1)), 0, 1) * alpha
    planes[3] = alpha
    return planes


def over(top: Paint, below: Paint) -> Paint:
    """Lay one layer over another."""
    below *= 1 - top[3]
    below += top
    return below


def shrink(planes: Paint, factor: int) -> Paint:
    """Average squares of `factor` x `factor` samples: of premultiplied planes, exactly what a larger pixel sees."""
    channels, height, width = planes.shape
    squares = planes.reshape(channels, height // factor, factor, width // factor, factor)
    return np.asarray(squares.mean(axis=(2, 4), dtype=np.float32))


def resized(plane: Floats, width: int, height: int, method: Image.Resampling = _BILINEAR) -> Floats:
    """Resample one plane."""
    return np.asarray(Image.fromarray(plane).resize((width, height), method), dtype=np.float32)


def cutout(planes: Paint) -> Cutout:
    """Turn planes into 8-bit straight colour, spread beyond the visible pixels, and alpha."""
    colour = np.moveaxis(straight(planes), 0, 2)
    parts = [(np.clip(part, 0, 1) * 255 + 0.5).astype(np.uint8) for part in (colour, planes[3])]
    return Cutout(Image.fromarray(np.ascontiguousarray(parts[0])), Image.fromarray(parts[1]))


def straight(planes: Paint, faint: float = 2 / 255) -> Floats:
    """Divide colour by alpha, (3, N, N); below `faint` alpha the colours around, ever wider, fill in (push-pull)."""
    alpha = planes[3]
    solid = np.maximum(alpha, np.float32(faint))
    if alpha.shape[0] < 4 or alpha.shape[0] % 2 or alpha.min() >= faint:
        mean = planes[:3].sum(axis=(1, 2)) / max(float(alpha.sum()), 1e-6)
        return np.asarray(np.where(alpha >= faint, planes[:3] / solid, mean[:, None, None]), dtype=np.float32)
    coarse = straight(shrink(planes, 2), faint / 8)
    size = alpha.shape[0]
    around = np.stack([resized(plane, size, size) for plane in coarse])
    return np.asarray(np.where(alpha >= faint, planes[:3] / solid, around), dtype=np.float32)
