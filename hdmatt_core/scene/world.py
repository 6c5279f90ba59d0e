"""Where things stand: fields of ground in a coarse grid, in some of them a thing, as large as the unknown may be."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.scene.material import Material, figure, ground
from hdmatt_core.scene.thing import Kind, Outline, Thing

FIELD = 4096
"""Side of a field of a large scene, px."""
MATERIALS = 7
CORRIDOR = 20
"""Unknown on either side of a long strand, px."""
MOST = 0.15
SHARES = {Kind.THICKET: 0.45, Kind.HAIR: 0.22, Kind.SMOKE: 0.14, Kind.FOLIAGE: 0.12}
"""How the unknown is shared among the kinds; the rest is long strands."""
_TYPICAL = {Kind.THICKET: 0.22, Kind.HAIR: 0.055, Kind.SMOKE: 0.075, Kind.FOLIAGE: 0.06}
"""Unknown area of a thing of ordinary size, in fields."""


@dataclass(frozen=True)
class World:
    """Fields (rows, columns) of ground by number, things by the field they stand in, length of all strands in px."""

    shape: tuple[int, int]
    fields: NDArray[np.intp]
    grounds: tuple[Material, ...]
    figures: tuple[Material, ...]
    things: Mapping[tuple[int, ...], Thing]
    strands: float

    def near(self, box: Box) -> Iterator[Thing]:
        """The things in the fields that ``box`` meets; each lies in its own."""
        spans = [
            range(int(a // size), int((b - 1) // size) + 1)
            for a, b, size in zip(box.start, box.stop, self.field, strict=True)
        ]
        return (thing for home in itertools.product(*spans) if (thing := self.things.get(home)))

    @property
    def field(self) -> tuple[float, float]:
        """Height and width of a field, px."""
        return self.shape[0] / self.fields.shape[0], self.shape[1] / self.fields.shape[1]


def build(shape: tuple[int, int], seed: int, unknown: float) -> World:
    """The world of a picture of ``shape`` with a share ``unknown`` of unknown pixels, 0..0.15."""
    if not 0 < unknown <= MOST:
        raise UserError(f"--unknown {unknown:g}: give a share above 0 and up to {MOST:g}")
    random = default_rng(seed)
    counts = tuple(max(2, round(side / FIELD)) for side in shape)
    fields = _fields(counts, random)
    grounds, figures = (
        tuple(make(random, 1000 * i + 100 * kind) for i in range(1, MATERIALS + 1))
        for kind, make in enumerate((ground, figure))
    )
    empty = World(shape, fields, grounds, figures, {}, 0)
    area = unknown * shape[0] * shape[1]
    things = _placed(empty, _sized(empty, area), random)
    strands = area * (1 - sum(SHARES.values())) / (2 * CORRIDOR)
    return replace(empty, things=things, strands=strands)


def _fields(counts: tuple[int, ...], random: Generator) -> NDArray[np.intp]:
    """Numbers of grounds, no two neighbours in a row or a column alike."""
    rows, columns = (np.cumsum(random.integers(1, 3, n)) for n in counts)
    return (3 * rows[:, None] + columns[None, :]) % MATERIALS


def _sized(world: World, area: float) -> list[tuple[Kind, float]]:
    """The kind and the unknown area of each thing."""
    field, places = math.prod(world.field), world.fields.size
    wanted = {kind: max(1, round(area * share / (_TYPICAL[kind] * field))) for kind, share in SHARES.items()}
    while sum(wanted.values()) > places:
        most = max(wanted, key=lambda kind: wanted[kind])
        wanted[most] -= 1
    return [(kind, area * SHARES[kind] / count) for kind, count in wanted.items() for _ in range(count)]


def _placed(world: World, sized: list[tuple[Kind, float]], random: Generator) -> Mapping[tuple[int, ...], Thing]:
    """Each thing somewhere within a field of its own."""
    homes = random.permutation(world.fields.size)[: len(sized)]
    places = [divmod(int(home), world.fields.shape[1]) for home in homes]
    return {
        place: _thing(world, place, kind, area, number, random)
        for number, (place, (kind, area)) in enumerate(zip(places, sized, strict=True))
    }


def _thing(world: World, home: tuple[int, int], kind: Kind, area: float, number: int, random: Generator) -> Thing:
    waves = tuple(complex(*random.normal(0, 0.05 / k, 2)) for k in range(1, 4))
    own = Outline((0, 0), 1.0, waves)
    side = min(world.field)
    radius, inner, outer = _extent(kind, area, side, waves)
    radius = min(radius, (side / 2 - 3 - outer) / own.furthest)  # in a narrow picture there may be less room
    behind = world.grounds[_elsewhere(world.fields, home)] if kind is Kind.THICKET else None
    # What grows in thickets is of the stuff of bodies of hair, which are known elsewhere.
    stuff = number % 2 if world.fields.size > 8 else 0
    material = world.figures[stuff if kind in (Kind.THICKET, Kind.HAIR) else 2 + number % (MATERIALS - 2)]
    reach = own.furthest * radius + outer + 3
    slack = [max(0.0, extent / 2 - reach) for extent in world.field]
    centre = [
        int((place + 0.5) * extent + random.uniform(-free, free))
        for place, extent, free in zip(home, world.field, slack, strict=True)
    ]
    outline = Outline((centre[0], centre[1]), radius, waves)
    return Thing(kind, outline, inner, outer, material, behind, int(random.integers(2**31)))


def _extent(kind: Kind, area: float, side: float, waves: tuple[complex, ...]) -> tuple[float, float | None, float]:
    """Radius, and the unknown within and beyond it, px, of a thing with so much unknown in a field of ``side``."""
    if kind in (Kind.THICKET, Kind.FOLIAGE):
        return math.sqrt(area / math.pi / (1 + sum(abs(w) ** 2 for w in waves) / 2)), None, 0.0
    if kind is Kind.SMOKE:
        radius = math.sqrt(area / (4 * math.pi * 0.5))
        return radius, 0.5 * radius, 0.5 * radius
    # 2 pi R (H + H / 4) + pi (H^2 - H^2 / 16) = area
    radius = 0.2 * side
    a, b = math.pi * 15 / 16, 2 * math.pi * radius * 1.25
    outer = (math.sqrt(b * b + 4 * a * area) - b) / (2 * a)
    return radius, outer / 4, outer


def _elsewhere(fields: NDArray[np.intp], home: tuple[int, int]) -> int:
    """The ground of the field furthest away that is not the one at ``home``."""
    rows, columns = np.indices(fields.shape)
    away = np.hypot(rows - home[0], columns - home[1])
    away[fields == fields[home]] = -1
    return int(fields.flat[int(away.argmax())])
