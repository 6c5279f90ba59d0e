"""Small procedural pictures with a known matte: a soft disc with hairs before a striped ground."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
_HAIRS = 24


class Scene(NamedTuple):
    """A picture with everything known of it: ``image`` (H, W, 3) uint8 = alpha F + (1 - alpha) B, rounded."""

    image: NDArray[np.uint8]
    trimap: NDArray[np.uint8]  # (H, W): 0, 128, 255
    alpha: Plane  # (H, W), 0..1
    foreground: Plane  # (H, W, 3), 0..1
    background: Plane  # (H, W, 3), 0..1


def scene(height: int, width: int, seed: int = 0, band: int = 3) -> Scene:
    """Make a scene of ``height`` x ``width`` px; unknown is every pixel within ``band`` px of a fractional one."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    centre = np.array([height, width]) * random.uniform(0.4, 0.6, 2)
    radius = 0.27 * min(height, width)
    across, along = x - np.float32(centre[1]), y - np.float32(centre[0])
    alpha = np.maximum(_disc(across, along, radius), _hairs(across, along, radius, random))
    foreground, background = _shade(y, random), _stripes(y, x, random)
    mixed = alpha[..., None] * foreground + (1 - alpha[..., None]) * background
    image = np.rint(mixed * 255).astype(np.uint8)
    return Scene(image, _trimap(alpha, band), alpha, foreground, background)


def _disc(across: Plane, along: Plane, radius: float) -> Plane:
    """A disc whose edge is 3 px soft."""
    return np.clip((radius - np.hypot(across, along)) / 3 + 0.5, 0, 1).astype(np.float32)


def _hairs(across: Plane, along: Plane, radius: float, random: np.random.Generator) -> Plane:
    """Straight hairs of about a pixel that leave the disc and fade out."""
    hairs = np.zeros_like(across)
    for angle in random.uniform(0, 2 * np.pi, _HAIRS):
        forward = across * np.cos(angle) + along * np.sin(angle)
        aside = np.abs(across * np.sin(angle) - along * np.cos(angle))
        length = radius * random.uniform(1.1, 1.5)
        fade = np.clip((length - forward) / (0.3 * radius), 0, 1) * (forward > 0)
        hairs = np.maximum(hairs, np.clip(1.2 - aside, 0, 1) * fade)
    return hairs.astype(np.float32)


def _shade(y: Plane, random: np.random.Generator) -> Plane:
    low, high = random.uniform(0.5, 1, (2, 3))
    return _between(low, high, y / len(y))


def _stripes(y: Plane, x: Plane, random: np.random.Generator) -> Plane:
    low, high = random.uniform(0, 0.5, (2, 3))
    wave = 0.5 + 0.5 * np.sin(random.uniform(0.1, 0.4) * x + random.uniform(0.1, 0.4) * y)
    return _between(low, high, wave)


def _between(low: NDArray[np.float64], high: NDArray[np.float64], where: NDArray[Any]) -> Plane:
    mixed: Plane = (low + (high - low) * where[..., None]).astype(np.float32)
    return mixed


def _trimap(alpha: Plane, band: int) -> NDArray[np.uint8]:
    unknown = _spread((alpha > 0) & (alpha < 1), band)
    return np.where(unknown, 128, np.where(alpha == 1, 255, 0)).astype(np.uint8)


def _spread(mask: NDArray[np.bool_], band: int) -> NDArray[np.bool_]:
    """Dilate with a square of side 2 band + 1, one axis after the other."""
    for axis in (0, 1):
        size = mask.shape[axis]
        padded = np.pad(mask, [(band, band) if a == axis else (0, 0) for a in (0, 1)])
        mask = np.any([padded.take(range(i, i + size), axis) for i in range(2 * band + 1)], axis=0)
    return mask
