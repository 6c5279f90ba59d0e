"""Batches: several patches of each of several composed pictures, with the table of who is whose context."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.regions import downsample_regions
from hdmatt_core.training.compose import Composer, Picture
from hdmatt_core.training.config import Phase

_CANVAS = 2.4
# Weight of pixels that only a veil makes unknown: most are far from any edge, and they are many.
_FAINT = 0.25


class Batch(NamedTuple):
    """n patches of P px: `x` (n, 6, P, P), `regions` (n, P/16, P/16), `contexts` (n, K); `alpha`, `unknown` (the
    loss's weight) and `contrast` are (n, 1, P, P) float32."""

    x: Tensor
    regions: Tensor
    contexts: Tensor
    alpha: Tensor
    unknown: Tensor
    contrast: Tensor


def draw_batch(composer: Composer, phase: Phase, rng: Generator) -> Batch:
    """Compose `phase.images` pictures and cut `phase.patches` patches from each."""
    side = 2 * round(phase.patch * _CANVAS / 2)
    cuts = []
    for _ in range(phase.images):
        picture = composer.picture(side, rng)
        cuts += [_cut(picture, corner, phase.patch) for corner in _corners(picture, phase, rng)]
    contexts = np.concatenate([_contexts(group, phase.patches, rng) for group in range(phase.images)])
    veiled = [_veiled(cut) if rng.random() < phase.veiled else cut for cut in cuts]
    batch = assemble(veiled, contexts)
    banded = torch.from_numpy(np.stack([cut.trimap for cut in cuts]) == 128).unsqueeze(1)
    return batch._replace(unknown=torch.where(banded, 1.0, _FAINT * batch.unknown))


def _veiled(cut: Picture) -> Picture:
    """A patch deep inside a wide band: it knows no foreground and no background, its contexts must tell."""
    return replace(cut, trimap=np.full_like(cut.trimap, 128))


def assemble(cuts: list[Picture], contexts: NDArray[np.int64]) -> Batch:
    """Stack patches, cut as small pictures, and their context table (n, K) into tensors."""
    trimap = np.stack([cut.trimap for cut in cuts])
    regions = torch.from_numpy(downsample_regions(trimap))
    planes = [
        torch.from_numpy(np.stack(values).astype(np.float32)).unsqueeze(1)
        for values in ([c.alpha for c in cuts], [c.trimap == 128 for c in cuts], [c.contrast for c in cuts])
    ]
    x = make_input(np.stack([cut.rgb for cut in cuts]), trimap)
    return Batch(x, regions, torch.from_numpy(contexts), planes[0], planes[1], planes[2])


def _cut(picture: Picture, corner: tuple[int, int], patch: int) -> Picture:
    window = (slice(corner[0], corner[0] + patch), slice(corner[1], corner[1] + patch))
    return Picture(picture.rgb[window], picture.alpha[window], picture.trimap[window], picture.contrast[window])


def _corners(picture: Picture, phase: Phase, rng: Generator) -> list[tuple[int, int]]:
    """Most patches are centred on an unknown pixel; a quarter lie anywhere, for contexts of pure F or B."""
    rows, columns = np.nonzero(picture.trimap == 128)
    limit = picture.trimap.shape[0] - phase.patch
    corners = []
    for _ in range(phase.patches):
        corner = rng.integers(0, limit + 1, 2)
        if len(rows) and rng.random() < 0.75:
            at = rng.integers(len(rows))
            corner = np.clip(np.array([rows[at], columns[at]]) - phase.patch // 2, 0, limit)
        corners.append((int(corner[0]), int(corner[1])))
    return corners


def _contexts(group: int, count: int, rng: Generator) -> NDArray[np.int64]:
    """Rows (count, count - 1): mostly all other patches of the picture, sometimes fewer, sometimes none."""
    table = np.array([[row for row in range(count) if row != own] for own in range(count)]) + group * count
    share = rng.choice((1.0, 0.5, 0.0), p=(0.6, 0.25, 0.15))
    return np.where(rng.random(table.shape) <= share if share else np.zeros(table.shape, bool), table, -1)
