"""What a camera and a file do to a picture: blur, colour fringes, noise, sharpening, JPEG."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from hdmatt_core.training.warp import Floats

_SUBSAMPLING = (0, 1, 2)


def lens(light: Floats, rng: Generator) -> Floats:
    """Blur planes (c, S, S), alpha among them: the matte of a blurred picture is blurred; in one case of eight."""
    if rng.random() >= 0.125:
        return light
    width = rng.uniform(0.3, 1.5)
    return np.asarray(ndimage.gaussian_filter(light, (0, width, width), truncate=2.5), dtype=np.float32)


def photograph(mixed: Floats, rng: Generator) -> NDArray[np.uint8]:
    """Turn light (3, S, S) of 0..1 into a file's pixels (S, S, 3)."""
    if rng.random() < 0.12:
        mixed = _fringed(mixed, rng)
    if rng.random() < 0.5:
        mixed = mixed + noise(mixed, rng)
    image = Image.fromarray(pixels(mixed))
    if rng.random() < 0.12:
        image = image.filter(ImageFilter.UnsharpMask(rng.uniform(0.6, 2.5), int(rng.integers(30, 180)), 1))
    if rng.random() < 0.3:
        image = _compressed(image, rng)
    return np.asarray(image)


def _fringed(mixed: Floats, rng: Generator) -> Floats:
    """Red and blue are imaged a little larger or smaller than green (lateral chromatic aberration)."""
    side = mixed.shape[1]
    fringed = mixed.copy()
    for channel, sign in ((0, 1.0), (2, -1.0)):
        zoom = 1 + sign * rng.uniform(-2, 2) / side
        centre = rng.uniform(0.2, 0.8, 2) * side
        matrix = (zoom, 0, (1 - zoom) * centre[0], 0, zoom, (1 - zoom) * centre[1])
        plane = Image.fromarray(mixed[channel]).transform(
            (side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
        )
        # Pixels beyond the border come back black: they keep what they were.
        inner = slice(2, side - 2)
        fringed[channel, inner, inner] = np.asarray(plane)[inner, inner]
    return fringed


def pixels(mixed: Floats) -> NDArray[np.uint8]:
    """Light (3, S, S) as 8-bit pixels (S, S, 3)."""
    levels = np.clip(mixed * np.float32(255) + np.float32(0.5), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))


def noise(mixed: Floats, rng: Generator) -> Floats:
    """Noise (3 or 1, S, S) of light (3, S, S): shot, which grows with light, and read, at times blotchy or grey."""
    channels = 1 if rng.random() < 0.2 else 3
    grain = rng.standard_normal((channels, *mixed.shape[1:]), dtype=np.float32)
    if rng.random() < 0.3:
        grain = np.asarray(ndimage.uniform_filter(grain, (0, 2, 2)), dtype=np.float32) * 2
    read, shot = (math.exp(rng.uniform(math.log(0.001), math.log(0.03))) for _ in range(2))
    strength = np.sqrt(np.float32(read**2) + np.float32(shot**2) * np.clip(mixed.mean(axis=0), 0, 1))
    return np.asarray(strength * grain, dtype=np.float32)


def _compressed(image: Image.Image, rng: Generator) -> Image.Image:
    held = io.BytesIO()
    quality, subsampling = int(rng.integers(45, 98)), int(rng.choice(_SUBSAMPLING, p=(0.3, 0.1, 0.6)))
    image.save(held, "JPEG", quality=quality, subsampling=subsampling)
    return Image.open(held)
