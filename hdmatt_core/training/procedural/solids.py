"""Opaque things with hard edges, whole or pierced."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hdmatt_core.training.procedural.colour import surface
from hdmatt_core.training.procedural.noise import axes, fbm
from hdmatt_core.training.procedural.paint import Floats, Paint, over, paint


def solid(n: int, rng: Generator) -> Paint:
    """Draw one to six lumps, boxes, stars and rings."""
    canvas = np.zeros((4, n, n), np.float32)
    for _ in range(int(rng.integers(1, 7))):
        canvas = over(paint(surface(n, rng), _cover(_shape(n, rng), n)), canvas)
    return canvas


def holes(n: int, rng: Generator) -> Paint:
    """Draw a thing pierced by many holes: rows of round or square ones, or worm-eaten."""
    shape = np.maximum(_shape(n, rng, 0.3), _shape(n, rng, 0.3))
    x, y = axes(n)
    if rng.random() < 0.4:
        field = fbm(n, rng.uniform(8, 30), rng, 2)
        pierced = (rng.uniform(0.3, 1.2) - field) / n * rng.uniform(10, 30)
    else:
        count, angle, bend = (
            rng.uniform(6, 40),
            rng.uniform(0, np.pi),
            np.float32(rng.uniform(0, 0.02)) * fbm(n, 3, rng, 2),
        )
        u = count * (x * np.cos(angle) + y * np.sin(angle) + bend)
        v = count * (y * np.cos(angle) - x * np.sin(angle) + bend)
        u = u + 0.5 * rng.integers(2) * (np.round(v) % 2)
        a, b = np.abs(u - np.round(u)), np.abs(v - np.round(v))
        away = np.hypot(a, b) if rng.random() < 0.6 else np.maximum(a, b)
        pierced = (away - rng.uniform(0.15, 0.46)) / count
    return paint(surface(n, rng), _cover(np.minimum(shape, pierced), n))


def _cover(inside: Floats, n: int) -> Floats:
    return np.asarray(np.clip(inside * n + 0.5, 0, 1), dtype=np.float32)


def _shape(n: int, rng: Generator, least: float = 0.08) -> Floats:
    """Depth (n, n) inside a random shape, in parts of the canvas; negative outside."""
    x, y = axes(n)
    size, angle = rng.uniform(least, 0.42), rng.uniform(0, 2 * np.pi)
    at = rng.uniform(0.25, 0.75, 2)
    right, down = x - np.float32(at[0]), y - np.float32(at[1])
    right, down = (
        right * np.cos(angle) + down * np.sin(angle),
        (down * np.cos(angle) - right * np.sin(angle)) * rng.uniform(1, 2),
    )
    radius, turn = np.hypot(right, down), np.arctan2(down, right)
    kind = rng.integers(4)
    if kind == 0:
        depth = size - np.maximum(np.abs(right), np.abs(down))
    elif kind == 1:
        depth = size * (1 - rng.uniform(0.1, 0.5) * (0.5 + 0.5 * np.cos(rng.integers(3, 12) * turn))) - radius
    elif kind == 2:
        depth = size * rng.uniform(0.1, 0.4) - np.abs(radius - 0.7 * size)
    else:
        depth = size * (1 + rng.uniform(0.05, 0.3) * fbm(n, rng.uniform(3, 8), rng, 4)) - radius
    return np.asarray(depth, dtype=np.float32)
