"""Smoke, fog and flame."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hdmatt_core.training.procedural.colour import palette, ramp, shade, tint
from hdmatt_core.training.procedural.noise import axes, fbm, ridges, swirled
from hdmatt_core.training.procedural.paint import Floats, Paint, paint, resized

_FIRE = np.array(
    [[0.35, 0.03, 0.01], [0.8, 0.2, 0.03], [1.0, 0.5, 0.08], [1.0, 0.82, 0.35], [1.0, 0.97, 0.85]], np.float32
)


def smoke(n: int, rng: Generator) -> Paint:
    """Draw a plume, a cloud or wisps, from a breath to opaque."""
    m = n // 2
    wisps = rng.uniform(0, 1)
    body = 0.5 + 0.3 * fbm(m, rng.uniform(2, 6), rng, 6, 0.6)
    threads = ridges(m, rng.uniform(2, 5), rng, 5)
    thick = swirled((1 - wisps) * body + wisps * threads, rng, rng.uniform(0.02, 0.12), rng.uniform(2, 5))
    thick = np.maximum(thick - rng.uniform(0, 0.35), 0) * _plume(m, rng)
    alpha = 1 - np.exp(-np.float32(np.exp(rng.uniform(0, 2.3))) * thick)
    base = tint(rng, rng.choice((0.15, 1.0)))
    light = 0.55 + 0.4 * thick / max(float(thick.max()), 1e-3) + shade(thick, rng, 0.05)
    colour = ramp(light, base * np.linspace(0.45, 1.25, 4)[:, None] + rng.normal(0, 0.04, (4, 3)))
    peak = rng.choice((1.0, rng.uniform(0.3, 1)))
    return paint(np.stack([_to(plane, n) for plane in colour]), _to(alpha * np.float32(peak), n))


def flame(n: int, rng: Generator) -> Paint:
    """Draw flames: tongues that rise, brighter and denser at the core."""
    m = n // 2
    x, y = axes(m)
    tongues = fbm(m, rng.uniform(4, 12), rng, 5, 0.6, stretch=rng.uniform(1.5, 4))
    tongues = swirled(tongues, rng, 0.04, 4)
    foot = np.exp(-(((x - rng.uniform(0.35, 0.65)) / rng.uniform(0.12, 0.35)) ** 2))
    heat = foot * (1.3 - rng.uniform(0.9, 1.6) * (1 - y)) + rng.uniform(0.15, 0.4) * tongues - 0.15
    heat = np.clip(heat * np.clip((1 - y) * 12, 0, 1), 0, 1.5)
    stops = _FIRE if rng.random() < 0.7 else np.sort(palette(rng, 4, tint(rng), 0.6), axis=0)
    colour = ramp(heat * 0.8 + 0.1, stops)
    alpha = 1 - np.exp(-np.float32(rng.uniform(2, 7)) * heat)
    return paint(np.stack([_to(plane, n) for plane in colour]), _to(alpha, n))


def _plume(m: int, rng: Generator) -> Floats:
    """Where smoke is (m, m): a widening column or a round cloud."""
    x, y = axes(m)
    edge = 0.15 * fbm(m, 4, rng, 4)
    if rng.random() < 0.5:
        rise = 1 - y
        lean = rng.normal(0, 0.2) * rise + 0.06 * np.sin(rng.uniform(3, 9) * rise + rng.uniform(0, 6))
        gap = 1 - np.abs(x - 0.5 - lean) / (0.06 + rng.uniform(0.15, 0.45) * rise)
    else:
        gap = 1 - np.hypot((x - 0.5) / rng.uniform(0.3, 0.55), (y - 0.5) / rng.uniform(0.25, 0.5))
    inside = np.clip(1.6 * gap + edge, 0, 1) * np.clip(8 * np.minimum(y, 1 - y), 0, 1)
    return np.asarray(inside, dtype=np.float32)


def _to(plane: Floats, n: int) -> Floats:
    """Vapour has no detail of a pixel's size: half the resolution is enough to make it."""
    return resized(plane.astype(np.float32), n, n)
