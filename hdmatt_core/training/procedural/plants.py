"""Branches with leaves, and grass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from hdmatt_core.training.procedural.colour import among, palette, surface
from hdmatt_core.training.procedural.curves import paths, turned, wander
from hdmatt_core.training.procedural.paint import Floats, Paint
from hdmatt_core.training.procedural.strokes import Inker


class Stem(NamedTuple):
    """A branch before it has grown: where, whereto, how long and how thick, in parts of the canvas."""

    start: Floats
    heading: float
    length: float
    thick: float


_GREENS = np.array(
    [[0.2, 0.36, 0.12], [0.36, 0.5, 0.2], [0.12, 0.24, 0.1], [0.55, 0.6, 0.3], [0.7, 0.45, 0.15], [0.6, 0.2, 0.12]],
    np.float32,
)
_BARK = np.array([[0.3, 0.22, 0.16], [0.45, 0.4, 0.36], [0.2, 0.15, 0.12], [0.5, 0.36, 0.24]], np.float32)


def branches(n: int, rng: Generator) -> Paint:
    """Draw a branching plant: wood three or four times forked, and up to some hundred leaves or none."""
    inker, bark, leaf = Inker(n), among(_BARK, rng), _Leaf(rng)
    angle = rng.uniform(0, 2 * np.pi)
    start = 0.5 - 0.55 * np.array([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.05, 2)
    forks, leafy = int(rng.integers(2, 4)), rng.random() < 0.8
    stems = [Stem(start, angle, rng.uniform(0.7, 1.0), rng.uniform(0.006, 0.03))]
    buds: list[tuple[Floats, float]] = []
    for level in range(forks + 1):
        grown = [_grown(stem, inker, bark, rng) for stem in stems]
        if leafy and level >= forks - 1:
            buds += [bud for path in grown for bud in _buds(path, rng)]
        stems = [child for path, stem in zip(grown, stems, strict=True) for child in _children(path, stem, rng)]
        stems = [stems[i] for i in rng.permutation(len(stems))[:120]]
    for i in rng.permutation(len(buds))[: int(rng.integers(30, 500))]:
        leaf.grow(inker, buds[i], rng)
    return _weathered(inker.planes(), rng)


def _grown(stem: Stem, inker: Inker, bark: Floats, rng: Generator) -> Floats:
    heading = stem.heading + rng.uniform(0.1, 0.5) * wander(1, 24, rng, 5) + rng.normal(0, 0.06, (1, 24))
    path: Floats = paths(stem.start[None], heading, np.array([stem.length]))[0]
    tone = bark * rng.normal(1, 0.15) * rng.normal(1, 0.08, (24, 1))
    inker.ribbon(path, stem.thick * np.linspace(1, 0.35, 24), tone)
    inker.ribbon(path + 0.2 * stem.thick, stem.thick * np.linspace(0.3, 0.1, 24), tone * 1.3)
    return path


def _children(path: Floats, stem: Stem, rng: Generator) -> list[Stem]:
    children = []
    for at in rng.integers(4, 23, int(rng.integers(4, 9))):
        heading = stem.heading + rng.choice((-1, 1)) * rng.uniform(0.35, 1.1)
        length, thick = stem.length * rng.uniform(0.25, 0.6), stem.thick * rng.uniform(0.3, 0.6)
        children.append(Stem(path[at], heading, length, thick))
    return children


def _buds(path: Floats, rng: Generator) -> list[tuple[Floats, float]]:
    along = np.gradient(path, axis=0)
    heading = np.arctan2(along[:, 1], along[:, 0])
    places = rng.integers(2, 24, int(rng.integers(2, 9)))
    return [(path[at], float(heading[at] + rng.choice((-1, 1)) * rng.uniform(0.2, 1.3))) for at in places]


class _Leaf:
    """The leaves of one plant: slimness, where they are widest, teeth, colour and size."""

    def __init__(self, rng: Generator) -> None:
        self._way = np.linspace(0, 1, 17)
        self._half = rng.uniform(0.12, 0.42) * np.sin(np.pi * self._way ** rng.uniform(0.7, 1.8))
        self._half *= 1 - rng.choice((0, 0, 0.12, 0.3)) * (np.arange(17) % 2)
        self._green, self._size = among(_GREENS, rng), rng.uniform(0.02, 0.08)

    def grow(self, inker: Inker, bud: tuple[Floats, float], rng: Generator) -> None:
        """Draw two halves in different light, a midrib and a stalk."""
        at, angle = bud
        size, half = self._size * rng.uniform(0.6, 1.3), self._half * rng.uniform(0.4, 1)
        bend = rng.normal(0, 0.15) * self._way**2
        tone = self._green * rng.normal(1, 0.2) + rng.normal(0, 0.03, 3)
        turn = size * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        stalk = self._way + 0.15
        for side, light in ((1, 1.12), (-1, 0.85)):
            outline = np.concatenate([np.stack([stalk, bend], 1), np.stack([stalk, bend + side * half], 1)[::-1]])
            inker.polygon(at + outline @ turn, tone * light)
        rib = np.stack([np.append(0.0, stalk), np.append(0.0, bend)], axis=1)
        inker.ribbon(at + rib @ turn, np.full(18, size * 0.025), np.tile(tone * 1.35, (18, 1)))


def grass(n: int, rng: Generator) -> Paint:
    """Draw 150 to 900 blades rising from the lower side, the nearer over the farther."""
    inker, green = Inker(n), among(_GREENS, rng)
    count, up = int(rng.integers(150, 900)), -np.pi / 2 + rng.normal(0, 0.1)
    tall, broad, droop = rng.uniform(0.3, 0.85), rng.uniform(0.002, 0.014), rng.uniform(0, 0.8)
    ground = rng.uniform(0.75, 1.05)
    way = np.linspace(0, 1, 14)
    for near in np.sort(rng.random(count)):
        start = np.array([[rng.uniform(-0.1, 1.1), ground + 0.15 * near]])
        lean = up + rng.normal(0, 0.25)
        drop = np.pi / 2 if np.cos(lean) > 0 else np.pi / 2 - 2 * np.pi
        heading = turned(np.full((1, 14), lean), drop, (droop * rng.random() * way**2)[None])
        path = paths(start, heading + 0.1 * wander(1, 14, rng), tall * rng.uniform(0.3, 1.1, 1))[0]
        tone = green * (0.6 + 0.5 * near) * rng.normal(1, 0.15) * (0.7 + 0.5 * way[:, None]) + rng.normal(0, 0.02, 3)
        width = broad * rng.uniform(0.4, 1) * np.sqrt(1 - way + 0.001)
        inker.ribbon(path, width, tone)
        inker.ribbon(path, width * 0.25, tone * 1.2)
    return _weathered(inker.planes(), rng)


def _weathered(planes: Paint, rng: Generator) -> Paint:
    """Light and stains over the whole plant."""
    n = planes.shape[1]
    stain = surface(n, rng, palette(rng, 1, np.full(3, 0.75, np.float32))[0])
    planes[:3] *= np.clip(0.55 + 0.6 * stain, 0, 1.2)
    planes[:3] = np.minimum(planes[:3], planes[3])
    return planes
