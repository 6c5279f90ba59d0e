"""Glass, bubbles and water: clear in the middle, bright at the rim, with opaque reflections."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hdmatt_core.training.procedural.colour import palette, ramp, tint
from hdmatt_core.training.procedural.noise import axes, fbm, swirled
from hdmatt_core.training.procedural.paint import Floats, Paint, over, paint


def glass(n: int, rng: Generator) -> Paint:
    """Draw a vessel of glass turned on a lathe."""
    x, y = axes(n)
    knots = np.abs(rng.normal(0.22, 0.1, 7)) + 0.04
    height = np.linspace(0, 6, n)
    knot = np.minimum(height.astype(int), 5)
    share = (height - knot) ** 2 * (3 - 2 * (height - knot))
    outline = (knots[knot] * (1 - share) + knots[knot + 1] * share).astype(np.float32)[:, None]
    across = (x - 0.5) / outline
    top, foot = rng.uniform(0.03, 0.4), rng.uniform(0.6, 0.97)
    tall = np.clip(np.minimum(y - top, foot - y) * n + 0.5, 0, 1)
    inside = np.clip((1 - np.abs(across)) * outline * n + 0.5, 0, 1) * tall
    facing = np.sqrt(np.clip(1 - across**2, 0, 1))
    return _clear(n, inside, facing + 0 * x, rng)


def bubbles(n: int, rng: Generator) -> Paint:
    """Draw bubbles, drops or glass marbles, the nearer over the farther."""
    x, y = axes(n)
    canvas = np.zeros((4, n, n), np.float32)
    lens = rng.uniform(0.03, 0.3)
    for _ in range(int(rng.integers(3, 14))):
        centre, radius = rng.uniform(0.1, 0.9, 2), lens * rng.uniform(0.3, 1.2)
        ends = np.clip(np.stack([(centre - radius) * n - 2, (centre + radius) * n + 3]), 0, n).astype(int)
        box = slice(ends[0, 1], ends[1, 1]), slice(ends[0, 0], ends[1, 0])
        away = np.hypot(x[:, box[1]] - centre[0], y[box[0]] - centre[1]) / radius
        inside = np.clip((1 - away) * radius * n + 0.5, 0, 1).astype(np.float32)
        whole = np.zeros((n, n), np.float32)
        facing = np.ones((n, n), np.float32)
        whole[box], facing[box] = inside, np.sqrt(np.clip(1 - away**2, 0, 1))
        canvas = over(_clear(n, whole, facing, rng), canvas)
    return canvas


def water(n: int, rng: Generator) -> Paint:
    """Draw a splash: sheets and drops whose thickness decides what shines through."""
    x, y = axes(n)
    sheet = swirled(fbm(n, rng.uniform(3, 7), rng, 5, 0.5), rng, 0.08)
    reach = 1.2 - 2.2 * np.hypot(x - 0.5, (y - rng.uniform(0.5, 1)) * rng.uniform(0.6, 1.4))
    drops = fbm(n, rng.uniform(25, 60), rng, 2) - 2.2 + 0.7 * reach
    thick = np.maximum(0.6 * sheet + reach, drops)
    inside = np.clip(thick * n / 12 + 0.5, 0, 1).astype(np.float32)
    facing = np.clip(1.5 * thick, 0, 1) ** 0.5 * (0.85 + 0.15 * np.cos(9 * sheet))
    return _clear(n, inside, facing.astype(np.float32), rng)


def _clear(n: int, inside: Floats, facing: Floats, rng: Generator) -> Paint:
    """Tinted body, more opaque where it is seen edge-on (Schlick's power), with reflected light on top."""
    body = rng.uniform(0.03, 0.45)
    rim = (1 - facing) ** rng.uniform(1.2, 4)
    gloss = np.clip((fbm(n, rng.uniform(3, 9), rng, 2, stretch=rng.uniform(0.3, 3)) - rng.uniform(1, 1.8)) * 3, 0, 1)
    spot = gloss * facing**2
    alpha = inside * np.clip(body + (0.9 - body) * rim + rng.uniform(0.3, 1) * spot, 0, 1)
    hue = tint(rng, 0.7)
    colour = ramp(0.5 * facing + 0.2 * fbm(n, 6, rng, 3), palette(rng, 4, hue, 0.3))
    shine = np.clip(spot + 0.6 * rim * rng.random(), 0, 1)
    return paint(colour * (1 - shine) + np.float32(rng.uniform(0.8, 1)) * shine, alpha)
