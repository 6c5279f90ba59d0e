"""Colours and fields: what placement and composition have in common."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]


def recolour(image: Image.Image, rng: Generator) -> Image.Image:
    """Vary saturation, white balance and gamma of an 8-bit RGB image, each in two cases of three."""
    if rng.random() < 0.67:
        gains = rng.uniform(0.8, 1.2, 3) * rng.uniform(0.7, 1.25)
        keep = rng.uniform(0.4, 1.5)
        grey = np.full((3, 3), (1 - keep) / 3)
        rows = gains[:, None] * (keep * np.eye(3) + grey)
        image = image.convert("RGB", tuple(np.hstack([rows, rng.uniform(-20, 20, (3, 1))]).ravel()))
    if rng.random() < 0.67:
        gamma = math.exp(rng.uniform(-0.5, 0.5))
        image = image.point([round(255 * (v / 255) ** gamma) for v in range(256)] * 3)
    return image


def to_float(image: Image.Image) -> Floats:
    """Turn an 8-bit image into float32, 0..1."""
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def noise_field(side: int, cells: int, rng: Generator) -> Floats:
    """Smooth random field (side, side) of about `cells` bumps a side, of mean 0.5, mostly within 0..1."""
    coarse = rng.normal(0.5, 0.25, (cells + 1, cells + 1)).astype(np.float32)
    field = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(field, dtype=np.float32)
