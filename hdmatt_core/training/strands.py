"""Procedural hair: curved strands of exact alpha growing out of a solid body, rendered once into a pool."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hdmatt_core.training.cutout import Cutout

Vector = NDArray[np.float64]
_OVERSAMPLING = 3


def render_strands(rng: Generator, side: int = 448) -> Cutout:
    """Render one square cut-out of `side` px: 60 to 500 strands, 0.4 to 3.5 px wide, around an ellipse."""
    big = side * _OVERSAMPLING
    base = rng.integers(10, 246, 3)
    alpha = Image.new("L", (big, big), 0)
    colour = Image.new("RGB", (big, big), tuple(int(v) for v in base))
    pens = ImageDraw.Draw(alpha), ImageDraw.Draw(colour)
    centre, radius = rng.uniform(0.3, 0.7, 2) * big, rng.uniform(0.1, 0.3, 2) * big
    pens[0].ellipse([*(centre - radius), *(centre + radius)], fill=255)
    thickness, length = rng.uniform(0.4, 3.5), rng.uniform(0.1, 0.4) * big
    for _ in range(int(rng.integers(60, 500))):
        points = _strand(rng, centre, radius, length)
        tint = np.clip(base + rng.normal(0, 30) + rng.normal(0, 8, 3), 0, 255)
        width = max(1, round(thickness * rng.uniform(0.5, 1.3) * _OVERSAMPLING))
        # Colour is drawn wider than alpha, so that shrinking never mixes in what lies outside the strand.
        pens[1].line(points, fill=tuple(int(v) for v in tint), width=width + 2 * _OVERSAMPLING)
        pens[0].line(points, fill=255, width=width)
    return Cutout(colour.reduce(_OVERSAMPLING), alpha.reduce(_OVERSAMPLING))


def _strand(rng: Generator, centre: Vector, radius: Vector, length: float) -> list[tuple[float, float]]:
    """Points of a strand that leaves the ellipse outwards and bends at a constant rate."""
    angle = rng.uniform(0, 2 * np.pi)
    start = centre + 0.9 * radius * (np.cos(angle), np.sin(angle))
    step = length * rng.uniform(0.4, 1.2) / 16
    headings = angle + rng.normal(0, 0.3) + np.arange(16) * rng.normal(0, 0.08)
    offsets = np.cumsum(step * np.stack([np.cos(headings), np.sin(headings)], axis=1), axis=0)
    return [(float(x), float(y)) for x, y in np.vstack([start, start + offsets])]
