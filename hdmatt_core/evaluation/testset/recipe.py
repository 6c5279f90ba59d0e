"""What a test set consists of: fixed shares of families, bands, sources and sizes, settled before a pixel is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Literal

import numpy as np
from numpy.random import Generator, SeedSequence

from hdmatt_core.errors import UserError
from hdmatt_core.training.bands import BANDS, Band

Family = Literal["hair", "fur", "plants", "nets", "translucency"]

FAMILIES: tuple[Family, ...] = ("hair", "fur", "plants", "nets", "translucency")

RENDERED: Mapping[Family, tuple[str, ...]] = {
    "hair": ("hair",),
    "fur": ("fur", "feathers"),
    "plants": ("branches", "grass"),
    "nets": ("mesh", "web", "lace", "chain"),
    "translucency": ("smoke", "glass", "veil", "flame", "bubbles", "water"),
}
"""Procedural foregrounds (:mod:`hdmatt_core.training.procedural`) of each family."""

MATERIAL: Mapping[str, Family] = {
    "photo/p3m-*": "hair",
    "photo/am2k-*": "fur",
    "photo/gfm-*": "fur",
    "photo/aim-32": "nets",
    "fg/flightgear-*": "plants",
    "fg/0ad-*": "plants",
    "fg/stk-*": "plants",
}
"""The family of an item of the data index that does not name its own (``"family": "hair"``), by its file."""

_KEY = 0x686D_7465  # apart from every seed that training draws from
_SMALL = 14  # how strongly sizes lean to the least one


@dataclass(frozen=True)
class Entry:
    """One picture to compose; ``real`` counts those of a family to be made of photographs and cut-outs, else None.

    ``rendered`` is the procedural foreground that it has otherwise.
    """

    number: int
    family: Family
    band: Band
    real: int | None
    rendered: str
    pixels: int

    @property
    def name(self) -> str:
        return f"{self.number:03d}-{self.family}"


@dataclass(frozen=True)
class Recipe:
    """A set of ``count`` pictures of ``megapixels`` (least, largest); the seed settles all else."""

    count: int
    seed: int
    megapixels: tuple[float, float] = (1.0, 6.0)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UserError(f"--count {self.count}: a set has at least one picture")
        if not 0 < self.megapixels[0] <= self.megapixels[1]:
            raise UserError(f"megapixels {self.megapixels[0]:g}:{self.megapixels[1]:g}: give LEAST:LARGEST, above 0")

    @property
    def name(self) -> str:
        """What a claim calls the set."""
        return f"composed-{self.count}-seed-{self.seed}"

    def random(self, number: int) -> Generator:
        """The generator of one picture; training never draws from it."""
        return np.random.default_rng(SeedSequence(self.seed, spawn_key=(_KEY, number)))

    def entries(self) -> Iterator[Entry]:
        """Families in turn; of each, narrow and wide bands in turn, and two real ones, two rendered ones in turn.

        Sizes lean to the least one: of 1 to 6 megapixels the mean is about 1.3.
        """
        low, high = self.megapixels
        share = np.linspace(0, 1, self.count) if self.count > 1 else np.zeros(1)
        sizes = np.random.default_rng(SeedSequence(self.seed, spawn_key=(_KEY,))).permutation(share**_SMALL)
        for number in range(self.count):
            family, turn = FAMILIES[number % len(FAMILIES)], number // len(FAMILIES)
            pixels = round(1e6 * (low + (high - low) * float(sizes[number])))
            real = None if turn // 2 % 2 else turn // 4 * 2 + turn % 2
            # Shifted by one after each round of bands, so that a kind meets narrow and wide ones.
            kind = RENDERED[family][(turn + turn // len(BANDS)) % len(RENDERED[family])]
            yield Entry(number, family, BANDS[turn % len(BANDS)], real, kind, pixels)


def family_of(item: Mapping[str, str]) -> str | None:
    """The family of an item of a data index, if it has one."""
    named = item.get("family")
    return named or next((family for pattern, family in MATERIAL.items() if fnmatch(item["file"], pattern)), None)
