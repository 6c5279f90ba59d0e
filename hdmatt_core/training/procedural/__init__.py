"""Procedural foregrounds: exact alpha and colour from a seed, at any resolution.

A family draws premultiplied planes (4, N, N); what a seed draws is the same picture at every N.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from numpy.random import Generator

from hdmatt_core.training.cutout import Cutout
from hdmatt_core.training.procedural.feathers import feathers
from hdmatt_core.training.procedural.hair import fur, hair
from hdmatt_core.training.procedural.liquid import bubbles, glass, water
from hdmatt_core.training.procedural.meshes import chain, lace, mesh, veil, web
from hdmatt_core.training.procedural.optics import blurred
from hdmatt_core.training.procedural.paint import Paint, cutout, shrink
from hdmatt_core.training.procedural.plants import branches, grass
from hdmatt_core.training.procedural.solids import holes, solid
from hdmatt_core.training.procedural.vapour import flame, smoke

VERSION = 1
"""Goes up whenever a seed comes to draw something else."""

FAMILIES: Mapping[str, Callable[[int, Generator], Paint]] = MappingProxyType(
    {
        "hair": hair,
        "fur": fur,
        "feathers": feathers,
        "branches": branches,
        "grass": grass,
        "mesh": mesh,
        "chain": chain,
        "web": web,
        "lace": lace,
        "veil": veil,
        "smoke": smoke,
        "flame": flame,
        "glass": glass,
        "bubbles": bubbles,
        "water": water,
        "solid": solid,
        "holes": holes,
    }
)

ORDER = (*FAMILIES, "hair", "hair", "fur")
"""The families of a pool's pieces, over and over: hair is what mattes are made for."""
_FINER = 2


def render(family: str, side: int, rng: Generator, blur: float = 0.2) -> Cutout:
    """Render a cut-out of `side` px (even), drawn finer and averaged; with chance `blur`, moved or out of focus."""
    planes = shrink(FAMILIES[family](side * _FINER, rng), _FINER)
    return cutout(blurred(planes, rng) if rng.random() < blur else planes)
