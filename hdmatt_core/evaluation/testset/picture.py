"""One picture of a test set: foreground, background, camera, trimap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.testset.foreground import (
    Floats,
    Foreground,
    as_floats,
    draw_foreground,
    merged,
    small_solid,
)
from hdmatt_core.evaluation.testset.material import Material
from hdmatt_core.evaluation.testset.recipe import Entry
from hdmatt_core.training.bands import draw_trimap

_TRIES = 12
_VISIBLE = 0.03  # share of the canvas that a foreground must have

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """What is written of a picture: image and foreground (H, W, 3), alpha and trimap (H, W), and its sources."""

    image: Bytes
    alpha: Bytes
    trimap: Bytes
    foreground: Bytes
    sources: tuple[str, ...]
    background: str


def compose(entry: Entry, material: Material, rng: Generator) -> Picture:
    """Compose one picture; what does not come out usable (nothing visible, nothing certain) is drawn again.

    After half of the tries real material is given up for a rendered foreground.
    """
    for attempt in range(_TRIES):
        wanted = entry if 2 * attempt < _TRIES else replace(entry, real=None)
        drawn = _usable(entry, draw_foreground(wanted, material, rng), rng)
        if drawn is None:
            continue
        foreground, alpha, trimap = drawn
        file = material.backgrounds[rng.integers(len(material.backgrounds))]
        image, colour = _composite(foreground, alpha, _background(file, alpha.shape, rng), rng)
        return Picture(image, alpha, trimap, colour, foreground.sources, file.name)
    raise UserError(f"{entry.name}: no foreground of family '{entry.family}' came out usable; try another --seed")


def _usable(entry: Entry, foreground: Foreground, rng: Generator) -> tuple[Foreground, Bytes, Bytes] | None:
    """The foreground with alpha in 8 bits and a trimap; what has no opaque part gets a solid thing beside it."""
    if foreground.alpha.mean() < _VISIBLE:
        return None
    for whole in (foreground, None):
        if whole is None:
            whole = merged(foreground, small_solid(foreground.alpha.shape, rng))
        alpha = (np.clip(whole.alpha, 0, 1) * 255 + 0.5).astype(np.uint8)
        trimap = draw_trimap(alpha, entry.band, rng)
        if trimap is not None:
            return whole, alpha, trimap
    return None


def _background(file: Path, shape: tuple[int, ...], rng: Generator) -> Floats:
    """A part of a photograph, mirrored, recoloured and out of focus by chance."""
    image, (height, width) = Image.open(file).convert("RGB"), shape
    least = max(width / image.width, height / image.height)
    scale = max(least, float(rng.uniform(min(least, 0.6), 1)))
    window = width / scale, height / scale
    left, top = (float(rng.uniform(0, max(0, side - w))) for side, w in zip(image.size, window, strict=True))
    box = left, top, min(left + window[0], image.width), min(top + window[1], image.height)
    part = image.resize((width, height), Image.Resampling.BICUBIC, box=box)
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.4:
        part = part.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 6))))
    gains = rng.uniform(0.85, 1.15, 3) * rng.uniform(0.9, 1.15)
    return np.clip(as_floats(part) * gains.astype(np.float32), 0, 1)


def _composite(foreground: Foreground, alpha: Bytes, background: Floats, rng: Generator) -> tuple[Bytes, Bytes]:
    """``I = alpha F + (1 - alpha) B`` of the 8-bit alpha; F is sometimes drawn towards B, some cameras are noisy."""
    colour = foreground.colour
    if rng.random() < 0.3:
        shift = background.mean(axis=(0, 1)) - colour[alpha > 128].mean(axis=0)
        colour = np.clip(colour + np.float32(rng.uniform(0, 0.6)) * shift, 0, 1)
    seen = _eight(colour)
    share = as_floats(Image.fromarray(alpha))[..., None]
    mixed = share * (seen.astype(np.float32) / 255) + (1 - share) * background
    if rng.random() < 0.33:
        grain = rng.standard_normal(mixed.shape, dtype=np.float32)
        mixed = mixed + np.float32(rng.uniform(0.002, 0.012)) * grain
    return _eight(mixed), seen


def _eight(values: Floats) -> Bytes:
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
