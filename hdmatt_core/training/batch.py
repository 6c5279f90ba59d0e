"""Batches: several patches of each of several composed pictures, with the table of who is whose context."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from hdmatt_core.nn.evidence import Evidence, whole_evidence
from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.presets import EVIDENCE_CELL, OVERVIEW, STRIDE
from hdmatt_core.nn.regions import downsample_regions
from hdmatt_core.training.compose import Composer
from hdmatt_core.training.config import Phase
from hdmatt_core.training.overview import reduced
from hdmatt_core.training.picture import Picture

_UNKNOWN = 128
# Weight of pixels that only a veil makes unknown: most are far from any edge, and they are many.
_FAINT = 0.25
# Sides of pictures, px: those of the overview are multiples of the network's stride.
_GRAIN = OVERVIEW * STRIDE


class Batch(NamedTuple):
    """n patches of P px: `x` (n, 6, P, P), `regions` (n, P/16, P/16), `contexts` (n, K), `lines` and
    `planes`: their evidence; `alpha`, `unknown` (the loss's weight) and `contrast` are (n, 1, P, P) float32.

    `overview` are the whole pictures, reduced, where patches are told of them: the picture and corner (y, x) of each
    patch are its row of `places` (n, 3), -1 for the picture where it is not told.
    """

    x: Tensor
    regions: Tensor
    contexts: Tensor
    lines: Tensor
    planes: Tensor
    alpha: Tensor
    unknown: Tensor
    contrast: Tensor
    overview: Batch | None = None
    places: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch._make(None if part is None else part.to(device) for part in self)

    @property
    def evidence(self) -> Evidence:
        """What colour says of the patches."""
        return Evidence(self.lines, self.planes)


def draw_batch(composer: Composer, phase: Phase, rng: Generator) -> Batch:
    """Compose `phase.images` pictures and cut `phase.patches` patches from each."""
    side = _GRAIN * math.ceil(phase.patch * phase.canvas / _GRAIN)
    cuts, faint, told, overviews, places = [], [], [], [], []
    for number in range(phase.images):
        plain = composer.picture(side, rng)
        corners = _corners(plain, phase, rng)
        picture = _veiled(plain, corners, phase, rng)
        shown = rng.random() < phase.overview
        cuts += [cut_patch(picture, corner, phase.patch) for corner in corners]
        only_veiled = (picture.trimap == _UNKNOWN) & (plain.trimap != _UNKNOWN)
        faint += [only_veiled[window_of(corner, phase.patch)] for corner in corners]
        told.append(evidence_of(picture, corners, phase.patch))
        overviews.append(reduced(picture))
        places += [(number if shown else -1, *corner) for corner in corners]
    contexts = np.concatenate([_contexts(group, phase.patches, rng) for group in range(phase.images)])
    batch = assemble(cuts, contexts, Evidence(*map(torch.cat, zip(*told, strict=True))))
    weight = torch.where(torch.from_numpy(np.stack(faint))[:, None], _FAINT, 1.0)
    batch = batch._replace(unknown=batch.unknown * weight)
    if not phase.overview:
        return batch
    return batch._replace(overview=whole(overviews), places=torch.tensor(places))


def whole(pictures: list[Picture]) -> Batch:
    """Whole pictures as patches without contexts."""
    x = make_input(np.stack([picture.rgb for picture in pictures]), np.stack([picture.trimap for picture in pictures]))
    return assemble(pictures, np.full((len(pictures), 1), -1), whole_evidence(x))


def _veiled(picture: Picture, corners: list[tuple[int, int]], phase: Phase, rng: Generator) -> Picture:
    """Declare some patches wholly unknown, as they are deep inside a wide band: what lies around them must tell."""
    trimap = picture.trimap.copy()
    for corner in corners:
        if rng.random() < phase.veiled:
            trimap[window_of(corner, phase.patch)] = _UNKNOWN
    return replace(picture, trimap=trimap)


def evidence_of(picture: Picture, corners: list[tuple[int, int]], patch: int) -> Evidence:
    """The evidence of patches at `corners` (multiples of 8), seen from the whole picture."""
    lines, planes = whole_evidence(make_input(picture.rgb[None], picture.trimap[None]))
    side = patch // EVIDENCE_CELL + 2
    starts = [(y, x, y // EVIDENCE_CELL, x // EVIDENCE_CELL) for y, x in corners]
    return Evidence(
        torch.cat([lines[:, :, row : row + side, column : column + side] for _, _, row, column in starts]),
        torch.cat([planes[:, :, y : y + patch, x : x + patch] for y, x, _, _ in starts]),
    )


def assemble(cuts: list[Picture], contexts: NDArray[np.int64], told: Evidence) -> Batch:
    """Stack patches, cut as small pictures, their context table (n, K) and evidence into tensors."""
    trimap = np.stack([cut.trimap for cut in cuts])
    regions = torch.from_numpy(downsample_regions(trimap))
    planes = [
        torch.from_numpy(np.stack(values).astype(np.float32)).unsqueeze(1)
        for values in ([c.alpha for c in cuts], [c.trimap == _UNKNOWN for c in cuts], [c.contrast for c in cuts])
    ]
    x = make_input(np.stack([cut.rgb for cut in cuts]), trimap)
    return Batch(x, regions, torch.from_numpy(contexts), *told, planes[0], planes[1], planes[2])


def cut_patch(picture: Picture, corner: tuple[int, int], patch: int) -> Picture:
    """The part of a picture whose first row and column are `corner`, `patch` px wide."""
    window = window_of(corner, patch)
    return Picture(picture.rgb[window], picture.alpha[window], picture.trimap[window], picture.contrast[window])


def window_of(corner: tuple[int, int], patch: int) -> tuple[slice, slice]:
    """The rows and columns of a patch."""
    return slice(corner[0], corner[0] + patch), slice(corner[1], corner[1] + patch)


def _corners(picture: Picture, phase: Phase, rng: Generator) -> list[tuple[int, int]]:
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
