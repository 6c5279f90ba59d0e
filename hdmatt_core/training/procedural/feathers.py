"""Feathers: barbs in clumps along a shaft, downy at the foot."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hdmatt_core.training.procedural.colour import palette, ramp
from hdmatt_core.training.procedural.curves import paths, wander
from hdmatt_core.training.procedural.paint import Floats, Paint, over
from hdmatt_core.training.procedural.strokes import Inker, Strands, splat

_POINTS = 40


def feathers(n: int, rng: Generator) -> Paint:
    """Draw one to five feathers of one bird."""
    stops = palette(rng, int(rng.integers(2, 6)), spread=0.35)
    canvas = np.zeros((4, n, n), np.float32)
    for _ in range(int(rng.choice((1, 1, 2, 3, 5)))):
        shaft, heading = _shaft(rng)
        # Barbs of one feather lie over each other; feathers cover each other.
        canvas = over(_quill(shaft, n, stops), over(splat(_barbs(shaft, heading, stops, rng), n), canvas))
    return canvas


def _shaft(rng: Generator) -> tuple[Floats, Floats]:
    """A bent line (p, 2) across the canvas and its headings (p,)."""
    angle = rng.uniform(0, 2 * np.pi)
    heading = angle + rng.uniform(-0.8, 0.8) * np.linspace(-0.5, 0.5, 200) + 0.05 * wander(1, 200, rng)[0]
    length = rng.uniform(0.5, 0.95)
    start = rng.uniform(0.4, 0.6, 2) - 0.5 * length * np.array([np.cos(angle), np.sin(angle)])
    return paths(start[None], heading[None], np.array([length]))[0], heading.astype(np.float32)


def _barbs(shaft: Floats, heading: Floats, stops: Floats, rng: Generator) -> Strands:
    count = int(rng.integers(500, 1100)) * 2
    at = np.linspace(0.04, 0.995, count)
    side = np.where(np.arange(count) % 2, 1, -1)
    tuft = np.cumsum(rng.random(count) < rng.uniform(0.01, 0.05))
    downy = np.clip(1 - at / rng.uniform(0.1, 0.35), 0, 1)
    open_by = rng.uniform(0.5, 1.0) - 0.25 * at + rng.uniform(0, 0.12) * rng.standard_normal(int(tuft.max()) + 1)[tuft]
    open_by = open_by + downy * rng.normal(0.3, 0.4, count)
    way = np.linspace(0, 1, _POINTS)[None]
    closing = -side[:, None] * rng.uniform(0.2, 0.6) * way
    waves = (0.04 + 0.9 * downy[:, None]) * wander(count, _POINTS, rng, 6)
    row = (at * 199).astype(int)
    directions = (heading[row] + side * open_by)[:, None] + closing + waves
    profile = np.minimum(at / 0.15, 1) ** 0.5 * np.sqrt(np.clip(1.02 - at, 0, 1)) + 0.12
    length = (
        rng.uniform(0.1, 0.32) * profile * rng.uniform(0.9, 1.05, count) * np.where(side > 0, 1, rng.uniform(0.5, 1))
    )
    # Barbs close up near the shaft; towards the edge and in the down the light comes through.
    gap = float(np.hypot(*np.diff(shaft, axis=0).T).sum()) / count * 2
    width = gap * rng.uniform(0.8, 1.5) * (1 - 0.75 * way**3) * (1 - 0.7 * downy[:, None])
    bands = 0.5 + 0.5 * np.sin(at * rng.uniform(3, 40) + 2)[:, None] * rng.choice((0.2, 1.0)) + 0.3 * (way - 0.5)
    colour = np.moveaxis(ramp(bands.astype(np.float32), stops), 0, 2) * rng.normal(1, 0.1, (count, 1, 1))
    points = paths(shaft[row], directions.astype(np.float32), length)
    return Strands(points, width.astype(np.float32), np.clip(colour, 0, 1).astype(np.float32))


def _quill(shaft: Floats, n: int, stops: Floats) -> Paint:
    way = np.linspace(1, 0.15, len(shaft))
    colour = np.clip(stops.mean(axis=0) * 0.4 + 0.5 * way[:, None], 0, 1)
    inker = Inker(n)
    inker.ribbon(shaft, 0.009 * way, colour)
    return inker.planes()
