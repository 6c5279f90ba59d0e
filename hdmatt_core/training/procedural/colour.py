"""Colours and textured surfaces, so that a foreground is never of one colour."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.random import Generator

from hdmatt_core.training.procedural.noise import axes, fbm, swirled, warped
from hdmatt_core.training.procedural.paint import Floats


def tint(rng: Generator, vivid: float = 1.0) -> Floats:
    """Draw a colour (3,): any hue, more often pale or dark than glowing."""
    hue, vividness, value = rng.random(), rng.beta(1.3, 1.8) * vivid, rng.beta(1.4, 1.2)
    return np.array(colorsys.hsv_to_rgb(hue, min(vividness, 1.0), 0.05 + 0.93 * value), np.float32)


def among(table: Floats, rng: Generator, spread: float = 0.05) -> Floats:
    """Draw a colour (3,) near one of a table's (m, 3)."""
    drawn: Floats = table[rng.integers(len(table))] + rng.normal(0, spread) + rng.normal(0, spread / 2, 3)
    return np.clip(drawn, 0.01, 0.99)


def palette(rng: Generator, count: int, base: Floats | None = None, spread: float = 0.18) -> Floats:
    """Draw `count` related colours (count, 3)."""
    base = tint(rng) if base is None else base
    light = rng.normal(0, spread, (count, 1))
    return np.clip(base * (1 + light) + light / 3 + rng.normal(0, spread / 3, (count, 3)), 0, 1).astype(np.float32)


def ramp(values: Floats, stops: Floats) -> Floats:
    """Colour values 0..1 (n, n) by evenly spaced stops (k, 3): (3, n, n)."""
    levels = np.linspace(0, 1, 256, dtype=np.float32)
    at = np.linspace(0, 1, len(stops))
    table = np.stack([np.interp(levels, at, stops[:, channel]) for channel in range(3)]).astype(np.float32)
    return table[:, (np.clip(values, 0, 1) * 255).astype(np.uint8)]


def surface(n: int, rng: Generator, base: Floats | None = None) -> Floats:
    """Draw a textured, lit surface (3, n, n): mottled, striped, spotted or brushed."""
    pattern = (_mottled, _striped, _spotted, _brushed)[rng.choice(4, p=(0.4, 0.2, 0.2, 0.2))]
    colours = palette(rng, int(rng.integers(2, 6)), base, float(rng.uniform(0.05, 0.5)))
    height = pattern(n, rng)
    light = 1 + np.float32(rng.uniform(0.05, 0.25)) * fbm(n, rng.uniform(1, 4), rng, 2) + shade(height, rng)
    return np.clip(ramp(height, colours) * light, 0, 1)


def shade(height: Floats, rng: Generator, depth: float = 0.15) -> Floats:
    """Light from one side falling on a relief (n, n): brighter and darker by about `depth`."""
    angle = rng.uniform(0, 2 * np.pi)
    step = max(1, height.shape[0] // 256)
    slope = np.zeros_like(height)
    slope[:, step:] += np.float32(np.cos(angle)) * (height[:, step:] - height[:, :-step])
    slope[step:] += np.float32(np.sin(angle)) * (height[step:] - height[:-step])
    return np.asarray(np.float32(depth) * np.clip(slope / max(float(slope.std()), 1e-6), -2, 2), dtype=np.float32)


def _mottled(n: int, rng: Generator) -> Floats:
    field = fbm(n, rng.uniform(2, 24), rng, 5, rng.uniform(0.4, 0.75))
    return np.asarray(0.5 + 0.3 * field, dtype=np.float32)


def _striped(n: int, rng: Generator) -> Floats:
    x, y = axes(n)
    angle, count = rng.uniform(0, np.pi), rng.uniform(3, 40)
    bent = (x * np.cos(angle) + y * np.sin(angle)).astype(np.float32)
    bent = bent + np.float32(rng.uniform(0, 0.03)) * fbm(n, rng.uniform(2, 6), rng, 3)
    waves = 0.5 + np.float32(rng.uniform(0.6, 2)) * np.sin(2 * np.pi * count * bent)
    return np.asarray(np.clip(waves, 0, 1) * 0.8 + 0.05 * fbm(n, 40, rng, 2), dtype=np.float32)


def _spotted(n: int, rng: Generator) -> Floats:
    field = swirled(fbm(n, rng.uniform(5, 25), rng, 1), rng, 0.02)
    return np.asarray(np.clip(0.5 + rng.uniform(1, 5) * (field - rng.uniform(0, 1)), 0, 1), dtype=np.float32)


def _brushed(n: int, rng: Generator) -> Floats:
    field = fbm(n, rng.uniform(30, 90), rng, 3, 0.8, stretch=rng.uniform(8, 30))
    flow = np.float32(0.1) * fbm(n, 3, rng, 2)
    return np.asarray(0.5 + 0.2 * warped(field, flow, flow), dtype=np.float32)
