"""The strokes of things: hair, leaves and branches, grass; and long strands. All lie within what is unknown."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from hdmatt_core.scene.strokes import Strokes, named
from hdmatt_core.scene.thing import Kind, Outline, Thing

Real = NDArray[np.float64]
STEP = 9.0
"""Length of a segment, px."""
SAFE = 4.0
"""No stroke's edge comes nearer to the known than so many px."""


def strokes_of(thing: Thing) -> Strokes | None:
    """The strokes of a thing, the same whenever they are asked for; None for smoke."""
    grow = {Kind.HAIR: _hair, Kind.FOLIAGE: _foliage, Kind.THICKET: _grass}.get(thing.kind)
    if grow is None:
        return None
    points, half = grow(thing, default_rng(thing.seed))
    height = _heights(thing.outline, points)
    within = height < thing.outer - SAFE - half
    if thing.inner is not None:
        within &= height > SAFE + half - thing.inner
    y, x = thing.outline.centre
    names = named(len(points), thing.seed)
    return Strokes.of(points + np.array([y, x]), half, names, within[:, :-1] & within[:, 1:])


def _heights(outline: Outline, points: Real) -> Real:
    y, x = points[..., 0], points[..., 1]
    return np.hypot(y, x) - outline.at(np.arctan2(y, x))


def _polar(outline: Outline, angles: Real, heights: Real) -> Real:
    """Points (..., 2) y, x around the centre, ``heights`` px beyond the outline."""
    away = outline.at(angles) + heights
    return np.stack([away * np.sin(angles), away * np.cos(angles)], axis=-1)


def _hair(thing: Thing, random: Generator) -> tuple[Real, Real]:
    """Locks that lean together, hairs that stray from them; all thin out towards their tips and root in the body."""
    outline, deep = thing.outline, 2 * SAFE
    count = int(2 * np.pi * outline.radius / 1.4)
    t = np.linspace(0, 1, max(14, round(thing.outer / STEP)) + 1)
    root = 2 * np.pi * (np.arange(count) + random.uniform(0, 1, count)) / count
    locks = max(8, count // 45)
    place = root / (2 * np.pi) * locks + random.normal(0, 0.25, count)
    lock = np.floor(place).astype(int) % locks
    astray = random.normal(0, 1, count) * np.where(random.uniform(0, 1, count) < 0.15, 0.7, 0.1)
    lean = np.cumsum(random.normal(0, 0.25, locks)) * 0.6
    lean = (lean - np.linspace(0, lean[-1], locks))[lock] + random.normal(0, 0.3, locks)[lock] + astray
    length = thing.outer * random.uniform(0.55, 1, locks)[lock] * random.uniform(0.35, 1, count)
    curl = random.normal(0, 2.5, count)[:, None] * np.sin(2 * np.pi * (1.2 * t + random.uniform(0, 1, (count, 1)))) * t
    gathered = ((0.5 - place % 1) / locks * 2 * np.pi * random.uniform(0.1, 0.7, locks)[lock])[:, None] * t
    aside = (lean * length)[:, None] * t**1.5 + curl
    heights = (length[:, None] + deep) * t - deep
    thick = np.exp(random.normal(np.log(0.5), 0.35, count))
    return _polar(outline, root[:, None] + gathered + aside / outline.radius, heights), thick[:, None] * (
        1.1 - 0.85 * t
    )


def _grass(thing: Thing, random: Generator) -> tuple[Real, Real]:
    """Blades, single and in tufts, along a slowly turning direction."""
    outline = thing.outline
    blades, length = int(np.pi * outline.radius**2 / 480) + 1, min(260.0, outline.radius)
    root = _spread(outline, blades, random)
    tuft = _spread(outline, blades // 14 + 1, random)
    gathered = random.uniform(0, 1, blades) < 0.45
    of = random.integers(0, len(tuft), blades)
    root[gathered] = (tuft[of] + random.normal(0, 22, (blades, 2)))[gathered]
    turn = 2 * np.sin(root[:, 0] / 410 + random.uniform(0, 6)) + 2 * np.cos(root[:, 1] / 530 + random.uniform(0, 6))
    long = length * random.uniform(0.25, 1, blades)
    heading = turn + random.normal(0, 0.4, blades)
    points = _walk(root, heading, random.normal(0, 0.9, blades), long, max(4, round(length / STEP)))
    thick = np.exp(random.normal(np.log(1.2), 0.5, blades))
    return points, thick[:, None] * (1.05 - np.linspace(0, 1, points.shape[1]))


def _foliage(thing: Thing, random: Generator) -> tuple[Real, Real]:
    """Branches from the middle outwards, and leaves: short strokes, broad in their middle."""
    outline = thing.outline
    branches, leaves, steps = 14, int(np.pi * outline.radius**2 / 420) + 1, 8
    length = outline.radius * random.uniform(0.5, 1, branches)
    long = max(steps, round(outline.radius / STEP))
    heading = 2 * np.pi * (np.arange(branches) + random.uniform(0, 1, branches)) / branches
    wood = _walk(np.zeros((branches, 2)), heading, random.normal(0, 0.6, branches), length, long)
    bark = np.linspace(4.5, 0.8, long + 1) * np.ones((branches, 1))
    root = _spread(outline, leaves, random)
    outward = np.arctan2(root[:, 0], root[:, 1]) + random.normal(0, 0.9, leaves)
    leaf = _walk(root, outward, random.normal(0, 0.6, leaves), random.uniform(14, 46, leaves), steps)
    t = np.linspace(0, 1, steps + 1)
    blade = random.uniform(2, 7, (leaves, 1)) * 4 * t * (1 - t) + 0.3
    return _together(wood, bark, leaf, blade)


def _together(points: Real, half: Real, more: Real, its: Real) -> tuple[Real, Real]:
    """Strokes of fewer and of more points as one array: the shorter ones stay where they end."""
    extra = points.shape[1] - more.shape[1]
    padded = np.pad(more, ((0, 0), (0, extra), (0, 0)), mode="edge")
    return np.concatenate([points, padded]), np.concatenate([half, np.pad(its, ((0, 0), (0, extra)), mode="edge")])


def _spread(outline: Outline, count: int, random: Generator) -> Real:
    """``count`` points (n, 2) evenly over the inside of the outline."""
    angles = random.uniform(0, 2 * np.pi, count)
    away = outline.at(angles) * np.sqrt(random.uniform(0, 1, count))
    return np.stack([away * np.sin(angles), away * np.cos(angles)], axis=-1)


def _walk(root: Real, heading: Real, bend: Real, length: Real, steps: int) -> Real:
    """Points (n, steps + 1, 2) of curves that leave ``root`` and turn by ``bend`` radians over their length."""
    t = (np.arange(steps) + 0.5) / steps
    angles = heading[:, None] + bend[:, None] * t
    moves = np.stack([np.sin(angles), np.cos(angles)], axis=-1) * (length / steps)[:, None, None]
    start = root[:, None]
    return np.concatenate([start, start + np.cumsum(moves, axis=1)], axis=1)


def strands(shape: tuple[int, int], length: float, seed: int) -> tuple[Real, NDArray[np.bool_]]:
    """Long strands through the picture, ``length`` px in all: points (n, m, 2) and which of their segments are kept."""
    random = default_rng(seed)
    each = min(6000.0, 0.7 * min(shape), length)
    count, steps = round(length / each), max(1, round(each / STEP))
    root = random.uniform(0.1, 0.9, (count, 2)) * shape
    t = np.arange(steps) / steps
    wander = sum(
        random.normal(0, 0.5 / k, (count, 1)) * np.sin(2 * np.pi * (k * t + random.uniform(0, 1, (count, 1))))
        for k in range(1, 5)
    )
    heading = random.uniform(0, 2 * np.pi, (count, 1)) + wander
    moves = np.stack([np.sin(heading), np.cos(heading)], axis=-1) * STEP
    points = np.concatenate([root[:, None], root[:, None] + np.cumsum(moves, axis=1)], axis=1)
    inside = np.all((points > 0) & (points < np.array(shape)), axis=-1)
    return points, inside[:, :-1] & inside[:, 1:]
