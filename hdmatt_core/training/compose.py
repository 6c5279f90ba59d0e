"""Composition on line: one picture of known alpha from foregrounds and a background (method: training conventions)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.random import Generator
from torch.nn import functional

from hdmatt_core.errors import UserError
from hdmatt_core.training.camera import lens, photograph
from hdmatt_core.training.config import Mix
from hdmatt_core.training.cutout import Cutout
from hdmatt_core.training.material import Library
from hdmatt_core.training.picture import Picture
from hdmatt_core.training.placing import Layer, backdrop, cover, fitting_scale, merged, place
from hdmatt_core.training.plain import plain_picture
from hdmatt_core.training.similar import alike, clothed
from hdmatt_core.training.trimaps import random_trimap
from hdmatt_core.training.warp import Floats, noise_field

T = TypeVar("T")
Drawer = Callable[[Generator], Cutout]
_CROPS = (1.0, 1.5, 2.0)
_CROP_SHARES = (0.8, 0.12, 0.08)
_HARD = 0.15
"""How often a foreground takes after the background, or wears a photograph: what no colour and no shape can tell."""
_COVERED, _PLANTED = 0.3, 4
"""Share of a plain picture that cut-outs are strewn over, and how many more times at most."""
_OPAQUE, _LEAST_OPAQUE, _HELD = 0.99, 0.02, 0.7
"""Veils, smoke and flames come with somebody or something, whose colours are known and are not theirs."""


class Composer:
    """Draws pictures from a library and a drawer of procedural cut-outs, a share `plain` of them plainly; `wild`
    permits odd trimaps."""

    def __init__(
        self, library: Library, drawer: Drawer | None, mix: Mix, wild: bool = True, plain: float = 0.0
    ) -> None:
        self._library = library
        self._drawer = drawer
        self._wild, self._plain = wild, plain
        usable = {"photo": library.photos, "cutout": library.cutouts, "procedural": drawer, "field": True}
        share = np.array([getattr(mix, kind) if there else 0.0 for kind, there in usable.items()])
        if not share.any():
            there = ", ".join(kind for kind, given in usable.items() if given)
            raise UserError(f"mix gives no share to what there is; give one to: {there}")
        self._kinds, self._share = list(usable), share / share.sum()
        things = share * (np.array(self._kinds) != "field")
        if plain and not things.any():
            raise UserError(
                "plain pictures show a photograph, cut-out or procedural foreground; give one a share in mix"
            )
        self._things = things / max(things.sum(), np.finfo(float).tiny)

    def picture(self, side: int, rng: Generator) -> Picture:
        """Compose one picture of `side` px (even)."""
        plain = self._plainly(side, rng) if self._plain and rng.random() < self._plain else None
        return plain or self._freely(side, rng)

    def _plainly(self, side: int, rng: Generator) -> Picture | None:
        """One thing before a photograph as it is, with somebody beside it if nothing of it is known, or else None."""
        background = backdrop(_one(self._library.backgrounds, rng), side, rng)
        layer = self._covering(side, rng)
        if rng.random() < _HARD:
            layer = alike(layer, background, rng)
        return plain_picture(layer, background, rng) or plain_picture(
            merged(self._holder(side, rng), layer), background, rng
        )

    def _covering(self, side: int, rng: Generator) -> Layer:
        """A photograph or a procedural foreground as large as the canvas, or cut-outs until they cover part of it."""
        kind = str(rng.choice(self._kinds, p=self._things))
        cutout = self._cutout(rng, kind)
        whole = None if kind == "cutout" else cover(cutout, side, rng)
        if whole is not None:
            return whole
        layer = self._strewn(cutout, side, rng)
        for _ in range(_PLANTED):
            if layer.alpha.mean() > _COVERED:
                break
            layer = merged(self._strewn(cutout, side, rng), layer)
        return layer

    def _freely(self, side: int, rng: Generator) -> Picture:
        """Whatever may come together, sometimes larger and then shrunk."""
        crop = 2 * round(side * rng.choice(_CROPS, p=_CROP_SHARES) / 2)
        background = self._background(crop, rng)
        layer = self._foreground(crop, rng)
        if rng.random() < 0.3:
            layer = merged(layer, self._foreground(crop, rng))
        if rng.random() < _HARD:
            layer = alike(layer, background, rng)
        if (layer.alpha > _OPAQUE).mean() < _LEAST_OPAQUE and rng.random() < _HELD:
            layer = merged(self._holder(crop, rng), layer)
        mixed = background + layer.alpha * (layer.colour - background)
        contrast = np.abs(layer.colour - background).mean(axis=0)
        light = lens(_shrunk(np.concatenate([mixed, layer.alpha[None], contrast[None]]), side), rng)
        alpha = np.ascontiguousarray(light[3])
        return Picture(photograph(light[:3], rng), alpha, random_trimap(alpha, rng, self._wild), light[4])

    def _background(self, side: int, rng: Generator) -> Floats:
        """A photograph, in one case of six with foregrounds strewn over it."""
        behind = backdrop(_one(self._library.backgrounds, rng), side, rng)
        if rng.random() < 1 / 6:
            layer = self._strewn(self._cutout(rng), side, rng)
            behind = behind + layer.alpha * (layer.colour - behind)
        return behind

    def _foreground(self, side: int, rng: Generator) -> Layer:
        kind = str(rng.choice(self._kinds, p=self._share))
        if kind == "field":
            return Layer(backdrop(_one(self._library.backgrounds, rng), side, rng), _random_alpha(side, rng))
        layer = self._strewn(self._cutout(rng, kind), side, rng)
        if kind == "procedural" and rng.random() < _HARD:
            return clothed(layer, backdrop(_one(self._library.backgrounds, rng), side, rng))
        return layer

    def _cutout(self, rng: Generator, kind: str | None = None) -> Cutout:
        if self._drawer and (kind == "procedural" or (kind is None and rng.random() < 0.5)):
            return self._drawer(rng)
        library = self._library
        return _one((library.photos if kind == "photo" else library.cutouts) or library.photos, rng)

    def _holder(self, side: int, rng: Generator) -> Layer:
        """A thing of 0.15 to 0.45 times the canvas somewhere on it."""
        cutout = self._cutout(rng, "photo" if self._library.photos and rng.random() < 0.4 else "cutout")
        scale = side * float(rng.uniform(0.15, 0.45)) / max(cutout.size)
        return place(cutout, side, min(scale, 1.3), rng, (0.1, 0.9))

    def _strewn(self, cutout: Cutout, side: int, rng: Generator) -> Layer:
        """Place a cut-out, and small ones several times over: enlarged, their mattes would be blur."""
        scale = fitting_scale(cutout, side, rng)
        layer = place(cutout, side, scale, rng)
        share = scale * max(cutout.size) / side
        more = int(rng.integers(0, 1 + min(4, int(0.6 / share**2)))) if share < 0.6 else 0
        for _ in range(more):
            scale = scale * float(rng.uniform(0.8, 1.25))
            layer = merged(place(cutout, side, min(scale, 1.3), rng, (0.1, 0.9)), layer)
        return layer


def _one(items: Sequence[T], rng: Generator) -> T:
    return items[int(rng.integers(len(items)))]


def _shrunk(light: Floats, side: int) -> Floats:
    """Average planes (c, N, N) to (c, side, side)."""
    if light.shape[1] == side:
        return light
    if light.shape[1] == 2 * side:
        return functional.avg_pool2d(torch.from_numpy(light)[None], 2)[0].numpy()
    whole = torch.from_numpy(light)[None]
    return functional.interpolate(whole, (side, side), mode="bilinear", antialias=True)[0].numpy()


def _random_alpha(side: int, rng: Generator) -> Floats:
    """Any smooth matte will do to learn unmixing colours (arXiv 2304.00784): a field, cut soft or sharp."""
    coarse, fine = noise_field(side, int(rng.integers(2, 9)), rng), noise_field(side, int(rng.integers(9, 60)), rng)
    field = 0.7 * coarse + 0.3 * fine
    sharpness = np.float32(np.exp(rng.uniform(np.log(2), np.log(60))))
    return np.clip((field - 0.5) * sharpness + 0.5, 0, 1)
