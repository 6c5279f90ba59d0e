"""Composition on line: one picture of known alpha from a foreground and a background (method: training conventions)."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from hdmatt_core.training.config import Mix
from hdmatt_core.training.cutout import Cutout
from hdmatt_core.training.material import Library
from hdmatt_core.training.trimaps import random_trimap
from hdmatt_core.training.warp import Floats, backdrop, noise_field, place


@dataclass(frozen=True)
class Picture:
    """A composed picture: `rgb` (S, S, 3) uint8, `alpha` (S, S), `trimap` (S, S), `contrast` (S, S) = mean |F - B|."""

    rgb: NDArray[np.uint8]
    alpha: Floats
    trimap: NDArray[np.uint8]
    contrast: Floats


T = TypeVar("T")
Drawer = Callable[[Generator], Cutout]


class Composer:
    """Draws pictures from a library and a drawer of procedural cut-outs; `wild` permits odd trimaps."""

    def __init__(self, library: Library, drawer: Drawer | None, mix: Mix, wild: bool = True) -> None:
        self._library = library
        self._drawer = drawer
        self._wild = wild
        usable = {"photo": library.photos, "cutout": library.cutouts, "procedural": drawer, "field": True}
        share = np.array([getattr(mix, kind) if there else 0.0 for kind, there in usable.items()])
        self._kinds, self._share = list(usable), share / share.sum()

    def picture(self, side: int, rng: Generator) -> Picture:
        """Compose one picture of `side` px (even): placement, merging, colour shift, noise, JPEG, trimap."""
        background = self._background(side, rng)
        colour, alpha = self._foreground(side, rng)
        if rng.random() < 0.25:
            colour, alpha = _merged((colour, alpha), self._foreground(side, rng))
        if rng.random() < 0.3:
            shift = background.mean(axis=(0, 1)) - colour.mean(axis=(0, 1))
            colour = np.clip(colour + np.float32(rng.uniform(0, 0.7)) * shift, 0, 1)
        mixed = alpha[..., None] * (colour - background) + background
        contrast = np.abs(colour - background).mean(axis=2)
        return Picture(_camera(mixed, rng), alpha, random_trimap(alpha, rng, self._wild), contrast)

    def _background(self, side: int, rng: Generator) -> Floats:
        return backdrop(_one(self._library.backgrounds, rng), side, rng)

    def _foreground(self, side: int, rng: Generator) -> tuple[Floats, Floats]:
        kind = rng.choice(self._kinds, p=self._share)
        if kind == "field":
            return self._background(side, rng), _random_alpha(side, rng)
        if kind == "procedural" and self._drawer:
            return place(self._drawer(rng), side, rng)
        return place(_one(self._library.photos if kind == "photo" else self._library.cutouts, rng), side, rng)


def _one(items: list[T], rng: Generator) -> T:
    return items[rng.integers(len(items))]


def _random_alpha(side: int, rng: Generator) -> Floats:
    """Any smooth matte will do to learn unmixing colours (arXiv 2304.00784): a field, cut soft or sharp."""
    coarse, fine = noise_field(side, int(rng.integers(2, 9)), rng), noise_field(side, int(rng.integers(9, 60)), rng)
    field = 0.7 * coarse + 0.3 * fine
    sharpness = np.float32(np.exp(rng.uniform(np.log(2), np.log(60))))
    return np.clip((field - 0.5) * sharpness + 0.5, 0, 1)


def _merged(one: tuple[Floats, Floats], two: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Lay one foreground over another: alpha = 1 - (1 - a1)(1 - a2)."""
    alpha = 1 - (1 - one[1]) * (1 - two[1])
    weight = one[1] / np.maximum(alpha, np.float32(1e-6))
    return two[0] + weight[..., None] * (one[0] - two[0]), alpha


def _camera(mixed: Floats, rng: Generator) -> NDArray[np.uint8]:
    """Noise, JPEG and rounding to 8 bits."""
    if rng.random() < 0.4:
        grain = rng.standard_normal(mixed.shape, dtype=np.float32)
        mixed = mixed + np.float32(rng.uniform(0, 0.025)) * grain
    rgb = (np.clip(mixed, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() < 0.2:
        held = io.BytesIO()
        Image.fromarray(rgb).save(held, "JPEG", quality=int(rng.integers(60, 97)))
        rgb = np.asarray(Image.open(held))
    return rgb
