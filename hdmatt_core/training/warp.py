"""Random placement and colour of foregrounds and backgrounds on a canvas."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from hdmatt_core.training.cutout import Cutout

Floats = NDArray[np.float32]
_BILINEAR = Image.Resampling.BILINEAR


def place(cutout: Cutout, side: int, rng: Generator) -> tuple[Floats, Floats]:
    """Turn, scale, flip and shift a cut-out onto a square canvas: colour (side, side, 3) and alpha (side, side), 0..1.

    A soft pixel of the cut-out comes to lie near the canvas's centre.
    """
    scale = math.exp(rng.uniform(math.log(0.45), math.log(1.5)))
    # A small cut-out is enlarged to be seen at all, but not so far that its matte is nothing but blur.
    scale = min(max(scale, 0.5 * side / max(cutout.size)), 2.5)
    level = 1 if scale < 0.7 else 0
    colour, alpha = cutout.levels[level]
    anchor = cutout.anchors[rng.integers(len(cutout.anchors))] / 2**level
    matrix = _affine(rng, scale * 2**level, anchor, side)
    warped = [part.transform((side, side), Image.Transform.AFFINE, matrix, _BILINEAR) for part in (colour, alpha)]
    return to_float(recolour(warped[0], rng)), to_float(warped[1])


def _affine(rng: Generator, scale: float, anchor: NDArray[np.float64], side: int) -> tuple[float, ...]:
    """Coefficients that map canvas pixels to source pixels."""
    turn, flip = math.radians(rng.uniform(-30, 30)), rng.choice((-1.0, 1.0))
    cos, sin = math.cos(turn) / scale, math.sin(turn) / scale
    at_x, at_y = rng.uniform(0.3, 0.7, 2) * side
    a, b, d, e = flip * cos, -flip * sin, sin, cos
    return (a, b, anchor[0] - a * at_x - b * at_y, d, e, anchor[1] - d * at_x - e * at_y)


def backdrop(image: Image.Image, side: int, rng: Generator) -> Floats:
    """Cut, scale, flip, recolour and sometimes blur a background: (side, side, 3), 0..1."""
    width, height = image.size
    window = min(side / math.exp(rng.uniform(math.log(0.5), math.log(1.6))), width, height)
    left, top = rng.uniform(0, width - window), rng.uniform(0, height - window)
    part = image.resize((side, side), _BILINEAR, box=(left, top, left + window, top + window))
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.35:
        part = part.filter(ImageFilter.BoxBlur(rng.uniform(0.5, 8)))
    return to_float(recolour(part, rng))


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
