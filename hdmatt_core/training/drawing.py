"""Drawings: composed pictures and which patches are to be cut from them, before colour says anything of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from hdmatt_core.nn.presets import EVIDENCE_CELL, OVERVIEW, STRIDE
from hdmatt_core.nn.regions import downsample_regions, trimap_classes
from hdmatt_core.training.compose import Composer
from hdmatt_core.training.config import Phase
from hdmatt_core.training.overview import reduced
from hdmatt_core.training.picture import Picture

Corner = tuple[int, int]
_UNKNOWN = 128
# Weight of pixels that only a veil makes unknown: most are far from any edge, and they are many.
_FAINT = 0.25
# Sides of pictures, px: those of the overview are multiples of the network's stride.
_GRAIN = OVERVIEW * STRIDE
# What a device computes with; places are looked at one by one.
_MOVED = ("rgb", "classes", "alpha", "contrast", "weight", "regions", "contexts")


class Drawing(NamedTuple):
    """I pictures of S px, and n patches of P px of them.

    `rgb` (I, S, S, 3) and the trimap's `classes` (I, S, S) are uint8; `alpha`, `contrast` and `weight`, the loss's, are
    (I, S, S) float32. `places` (n, 3) are the picture and corner (y, x) of each patch, `regions` (n, P/16, P/16),
    `contexts` (n, K), `told` (n,) whether it is told of `overview`, the whole pictures, reduced, and `alone` (n,)
    whether it knows nothing from beyond itself but by its contexts.
    """

    rgb: Tensor
    classes: Tensor
    alpha: Tensor
    contrast: Tensor
    weight: Tensor
    places: Tensor
    regions: Tensor
    contexts: Tensor
    told: Tensor
    alone: Tensor
    overview: Drawing | None = None

    def to(self, device: torch.device) -> Drawing:
        """The same on another device."""
        moved = self._replace(**{name: getattr(self, name).to(device, non_blocking=True) for name in _MOVED})
        return moved if self.overview is None else moved._replace(overview=self.overview.to(device))

    @property
    def patch(self) -> int:
        """Side of the patches, px."""
        return self.regions.shape[-1] * STRIDE


def draw(composer: Composer, phase: Phase, rng: Generator) -> Drawing:
    """Compose `phase.images` pictures and say which `phase.patches` patches of each are to be cut."""
    side = _GRAIN * math.ceil(phase.patch * phase.canvas / _GRAIN)
    pictures, weights, corners, told, alone = [], [], [], [], []
    for _ in range(phase.images):
        plain = composer.picture(side, rng)
        chosen = _corners(plain, phase, rng)
        picture = _veiled(plain, chosen, phase, rng)
        apart = phase.alone > 0 and bool(rng.random() < phase.alone)
        told += [not apart and bool(rng.random() < phase.overview)] * len(chosen)
        alone += [apart] * len(chosen)
        weights.append(np.where(plain.trimap == _UNKNOWN, np.float32(1), np.float32(_FAINT)))
        pictures.append(picture)
        corners.append(chosen)
    contexts = np.concatenate([_contexts(group, phase.patches, rng) for group in range(phase.images)])
    drawing = sheet(pictures, corners, phase.patch, contexts)
    drawing = drawing._replace(
        weight=drawing.weight * torch.from_numpy(np.stack(weights)), told=torch.tensor(told), alone=torch.tensor(alone)
    )
    return drawing._replace(overview=whole([reduced(picture) for picture in pictures])) if phase.overview else drawing


def sheet(pictures: list[Picture], corners: list[list[Corner]], patch: int, contexts: NDArray[np.int64]) -> Drawing:
    """Pictures of one size and the `corners` of each one's patches, with the context table (n, K), told of nothing."""
    classes = np.stack([trimap_classes(picture.trimap) for picture in pictures])
    places = [(number, *corner) for number, chosen in enumerate(corners) for corner in chosen]
    cuts = np.stack([pictures[number].trimap[window_of((y, x), patch)] for number, y, x in places])
    alpha, contrast = (
        torch.from_numpy(np.stack([np.asarray(plane, np.float32) for plane in planes]))
        for planes in ([picture.alpha for picture in pictures], [picture.contrast for picture in pictures])
    )
    return Drawing(
        rgb=torch.from_numpy(np.stack([picture.rgb for picture in pictures])),
        classes=torch.from_numpy(classes),
        alpha=alpha,
        contrast=contrast,
        weight=torch.from_numpy(np.stack([picture.trimap == _UNKNOWN for picture in pictures]).astype(np.float32)),
        places=torch.tensor(places),
        regions=torch.from_numpy(downsample_regions(cuts)),
        contexts=torch.from_numpy(contexts),
        told=torch.zeros(len(places), dtype=torch.bool),
        alone=torch.zeros(len(places), dtype=torch.bool),
    )


def whole(pictures: list[Picture]) -> Drawing:
    """Whole pictures as patches without contexts."""
    return sheet(pictures, [[(0, 0)]] * len(pictures), len(pictures[0].trimap), np.full((len(pictures), 1), -1))


def window_of(corner: Corner, patch: int) -> tuple[slice, slice]:
    """The rows and columns of a patch."""
    return slice(corner[0], corner[0] + patch), slice(corner[1], corner[1] + patch)


def _veiled(picture: Picture, corners: list[Corner], phase: Phase, rng: Generator) -> Picture:
    """Declare some patches wholly unknown, as they are deep inside a wide band: what lies around them must tell."""
    trimap = picture.trimap.copy()
    for corner in corners:
        if rng.random() < phase.veiled:
            trimap[window_of(corner, phase.patch)] = _UNKNOWN
    return replace(picture, trimap=trimap)


def _corners(picture: Picture, phase: Phase, rng: Generator) -> list[Corner]:
    """Most patches are centred on an unknown pixel; a quarter lie anywhere, for contexts of pure F or B.

    Corners are multiples of 8 px, as in a pipeline: patches share the cells that colours are gathered in.
    """
    rows, columns = np.nonzero(picture.trimap == _UNKNOWN)
    limit = picture.trimap.shape[0] - phase.patch
    corners = []
    for _ in range(phase.patches):
        corner = rng.integers(0, limit + 1, 2)
        if len(rows) and rng.random() < 0.75:
            at = rng.integers(len(rows))
            corner = np.clip(np.array([rows[at], columns[at]]) - phase.patch // 2, 0, limit)
        corners.append(
            (int(corner[0]) // EVIDENCE_CELL * EVIDENCE_CELL, int(corner[1]) // EVIDENCE_CELL * EVIDENCE_CELL)
        )
    return corners


def _contexts(group: int, count: int, rng: Generator) -> NDArray[np.int64]:
    """Rows (count, count - 1): mostly all other patches of the picture, sometimes fewer, sometimes none."""
    table = np.array([[row for row in range(count) if row != own] for own in range(count)]) + group * count
    share = rng.choice((1.0, 0.5, 0.0), p=(0.6, 0.25, 0.15))
    return np.where(rng.random(table.shape) <= share if share else np.zeros(table.shape, bool), table, -1)
