"""The foreground's colour behind a matte, for photographs of which only the matte is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hdmatt_core.training.cutout import spread_colour

_RADII = (90, 6)


def foreground_colour(image: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Estimate F (h, w, 3) from an image and its alpha (h, w), and spread it where nothing is visible.

    Blur-Fusion (Forte 2021): F^ = blur(F a) / blur(a), B^ likewise with 1 - a, F = F^ + a (I - a F^ - (1 - a) B^), with
    boxes of two radii in turn.
    """
    seen, share = (part.astype(np.float32) / np.float32(255) for part in (image, alpha[..., None]))
    front = back = seen
    for radius in _RADII:
        near, far = _mean(front, share, radius), _mean(back, 1 - share, radius)
        rest = seen - share * near - (1 - share) * far
        front, back = np.clip(near + share * rest, 0, 1), far
    solid = np.where(share >= 1, seen, front)
    return spread_colour((solid * 255 + 0.5).astype(np.uint8), alpha)


def _mean(colour: NDArray[np.float32], weight: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    size = (2 * radius + 1, 2 * radius + 1, 1)
    total = ndimage.uniform_filter(colour * weight, size, mode="nearest")
    parts = ndimage.uniform_filter(weight, size, mode="nearest")
    return np.asarray(total / np.maximum(parts, np.float32(1e-5)), dtype=np.float32)
