"""Nets, wire mesh, chain-link, cobwebs, lace and veils: what is thin, regular and full of holes."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hdmatt_core.training.procedural.colour import palette, ramp, surface, tint
from hdmatt_core.training.procedural.noise import axes, fbm, swirled
from hdmatt_core.training.procedural.paint import Floats, Paint, over, paint


def mesh(n: int, rng: Generator) -> Paint:
    """Draw a net or wire mesh: square, hexagonal or of knots, stretched, torn off somewhere."""
    u, v, cells = _cloth(n, rng)
    thick = rng.uniform(0.06, 0.3)
    pattern = (_square, _hexagons)[rng.integers(2)]
    depth, relief = pattern(u, v, thick)
    threads = np.clip(depth * n / cells + 0.5, 0, 1)
    light = 0.65 + 0.45 * np.clip(relief, 0, 1) + 0.12 * fbm(n, 3, rng, 2)
    return paint(surface(n, rng) * light, threads * _torn(n, rng))


def web(n: int, rng: Generator) -> Paint:
    """Draw a cobweb or a dream-catcher: spokes and a spiral of fine threads."""
    x, y = axes(n)
    centre = rng.uniform(0.3, 0.7, 2)
    bent = np.float32(0.012) * fbm(n, 5, rng, 3)
    right, down = x - np.float32(centre[0]) + bent, y - np.float32(centre[1]) + bent
    radius, angle = np.hypot(right, down), np.arctan2(down, right)
    spokes, rings = int(rng.integers(9, 28)), rng.uniform(12, 36)
    turn = angle * spokes / (2 * np.pi)
    chord = np.cos((turn - np.round(turn)) * 2 * np.pi / spokes * 0.9)
    away = [np.abs(turn - np.round(turn)) * 2 * np.pi / spokes * radius]
    wound = radius / np.maximum(chord, 0.5) * rings - angle / (2 * np.pi)
    away.append(np.abs(wound - np.round(wound)) / rings)
    half = rng.uniform(0.3, 1.6) / 1024
    threads = np.maximum(*[_thread(gap, half, n) for gap in away])
    shape = np.clip((0.47 + 0.04 * fbm(n, 5, rng, 2) - radius) * n, 0, 1)
    pale = tint(rng, 0.3) * 0.4 + 0.6
    return paint(ramp(0.5 + 0.2 * fbm(n, 20, rng, 2), palette(rng, 3, pale)), threads * shape)


def _thread(gap: Floats, half: float, n: int) -> Floats:
    """Cover of a thread of half width `half` at distance `gap`, thinner than a pixel too."""
    blur = max(half * n, 0.5)
    return np.asarray(np.clip(0.5 + blur - gap * n, 0, 1) * min(1.0, half * n / 0.5), dtype=np.float32)


def lace(n: int, rng: Generator) -> Paint:
    """Draw lace: rows of flowers and leaves sewn on a fine hexagonal ground, with a scalloped border."""
    u, v, cells = _cloth(n, rng, (3, 8))
    finer = float(rng.integers(6, 14))
    ground, relief = _hexagons(u * finer, v * finer, rng.uniform(0.1, 0.25))
    cloth = np.clip(ground * n / (cells * finer) + 0.5, 0, 1)
    flowers = np.full_like(u, -1)
    for petals, size, shift in ((int(rng.integers(4, 10)), 0.42, 0.5), (int(rng.integers(3, 7)), 0.22, 0.0)):
        a, b = u - shift - np.round(u - shift), v - shift - np.round(v - shift)
        radius, angle = np.hypot(a, b), np.arctan2(b, a)
        edge = size * (0.7 + 0.3 * np.cos(petals * angle))
        hollow = np.abs(radius - 0.6 * edge) - 0.1 * size
        flowers = np.maximum(flowers, np.minimum(edge - radius, hollow))
    solid = np.clip(flowers * n / cells + 0.5, 0, 1)
    base = tint(rng, 0.5) * 0.6 + 0.4 if rng.random() < 0.6 else tint(rng)
    stitched = ramp(0.5 + 0.25 * np.sin(u * 300) * np.cos(v * 300), palette(rng, 3, base, 0.1))
    light = 0.8 + 0.2 * np.clip(relief, 0, 1) + 0.12 * fbm(n, 3, rng, 2)
    border = np.clip((0.5 - np.abs(v / cells) + 0.02 * np.cos(2 * np.pi * u)) * n + 0.5, 0, 1)
    return paint(stitched * light, np.maximum(cloth, solid) * border * _torn(n, rng, 0.1))


def veil(n: int, rng: Generator) -> Paint:
    """Draw thin cloth in folds: the steeper it hangs, the more of it is in the way of light."""
    height = fbm(n, rng.uniform(4, 16), rng, 3, 0.3, stretch=rng.uniform(3, 10))
    height = swirled(height, rng, rng.uniform(0, 0.08), 2)
    slope = np.gradient(height, axis=1)
    slope *= rng.uniform(0.5, 3) / max(float(slope.std()), 1e-6)
    folds = np.sqrt(1 + slope**2)
    alpha = 1 - (1 - rng.uniform(0.1, 0.5)) ** np.minimum(folds, 8)
    u, v, _ = _cloth(n, rng, (60, 160))
    weave = 1 + rng.uniform(0, 0.2) * np.sin(2 * np.pi * u) * np.sin(2 * np.pi * v)
    light = 0.85 + 0.3 * slope / folds
    planes = paint(surface(n, rng) * light, np.minimum(alpha * weave, 1) * _hems(n, rng))
    return planes if rng.random() < 0.7 else np.swapaxes(planes, 1, 2).copy()


def _hems(n: int, rng: Generator) -> Floats:
    """Cloth (n, n), 0..1, ends at one to three wavy edges."""
    x, y = axes(n)
    inside = np.ones((n, n), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, 2 * np.pi)
        gap = rng.uniform(0.1, 0.4) - (x - 0.5) * np.cos(angle) - (y - 0.5) * np.sin(angle) + 0.02 * fbm(n, 4, rng, 2)
        inside *= np.clip(gap * n + 0.5, 0, 1)
    return inside


def chain(n: int, rng: Generator) -> Paint:
    """Draw chain-link wire: two sets of bent wires passing over and under each other."""
    u, v, cells = _cloth(n, rng, (4, 14))
    thick, metal = rng.uniform(0.04, 0.12), surface(n, rng)
    canvas = np.zeros((4, n, n), np.float32)
    whole = _torn(n, rng)
    for sign in (1, -1, 1):
        wave = u + sign * (np.abs((v % 2) - 1) - 0.5) * 0.96
        gap = thick - np.abs(wave - np.round(wave))
        cover = np.clip(gap * n / cells + 0.5, 0, 1) * whole
        if canvas.any():
            cover = cover * (np.sin(np.pi * (u + v)) > 0) if sign == 1 else cover
        canvas = over(paint(metal * (0.5 + 0.7 * np.clip(gap / thick, 0, 1)), cover), canvas)
    return canvas


def _cloth(n: int, rng: Generator, cells: tuple[float, float] = (6, 45)) -> tuple[Floats, Floats, float]:
    """Coordinates u, v (n, n) of cloth turned, tilted and bent, counted in cells, and how many there are across."""
    x, y = axes(n)
    count = float(np.exp(rng.uniform(*np.log(cells))))
    angle = rng.uniform(0, np.pi)
    right, down = x - 0.5, y - 0.5
    right, down = right * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - right * np.sin(angle)
    tilt = 1 + rng.uniform(0, 0.6) * down
    bend = np.float32(rng.uniform(0, 0.05))
    u, v = (count * (part / tilt + bend * fbm(n, 3, rng, 3)) for part in (right, down))
    return u.astype(np.float32), v.astype(np.float32), count


def _square(u: Floats, v: Floats, thick: float) -> tuple[Floats, Floats]:
    """Depth inside the threads of a square net, in cells, and their relief, 0..1."""
    half = np.float32(0.5 * thick)
    a, b = (half - np.abs(part - np.round(part)) for part in (u, v))
    knot = 1.6 * half - np.hypot(u - np.round(u), v - np.round(v))
    depth = np.maximum(np.maximum(a, b), knot)
    above = (np.round(u) + np.round(v)) % 2
    relief = np.where(above > 0, a, b) / half
    return depth, np.asarray(relief, dtype=np.float32)


def _hexagons(u: Floats, v: Floats, thick: float) -> tuple[Floats, Floats]:
    """The same of a honeycomb: distance to the border between the two nearest centres."""
    tall = np.float32(np.sqrt(3))
    first = [u - np.round(u), (v / tall - np.round(v / tall)) * tall]
    other = [u - 0.5 - np.round(u - 0.5), (v / tall - 0.5 - np.round(v / tall - 0.5)) * tall]
    nearer = np.hypot(*first) < np.hypot(*other)
    a, b = (np.abs(np.where(nearer, one, two)) for one, two in zip(first, other, strict=True))
    edge = 0.5 - np.maximum(a, 0.5 * a + 0.5 * tall * b)
    depth = np.float32(0.5 * thick) - edge
    return np.asarray(depth, dtype=np.float32), np.asarray(1 - edge / max(thick, 1e-3), dtype=np.float32)


def _torn(n: int, rng: Generator, ragged: float = 0.05, cells: float = 4) -> Floats:
    """Where the cloth is (n, n), 0..1: everywhere, or within an outline."""
    x, y = axes(n)
    edge = ragged * fbm(n, cells, rng, 5) + rng.uniform(0.25, 0.55)
    gap = edge - np.hypot(x - rng.uniform(0.35, 0.65), (y - rng.uniform(0.35, 0.65)) * rng.uniform(0.7, 1.3))
    if rng.random() < 0.3:
        gap = edge + 1 + 0 * gap
    return np.asarray(np.clip(gap * n + 0.5, 0, 1), dtype=np.float32)
