"""Known colours from anywhere in the picture: what is known of each tile, from the nearest tiles that know any.

Where no known colour is near, the far ones are all there is. They are few numbers a tile, so that a picture of any size
is spread in one piece.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hdmatt_core.nn.inputs import coloured, normalised
from hdmatt_core.nn.presets import COLOURS
from hdmatt_core.nn.solved import spread

_LEVELS = 255.0


def spread_far(known: Tensor) -> Tensor:
    """Return far colours (B, 8, n, m) uint8 of tiles, from what is known of each, (B, 8, n, m) float32.

    `known` holds foreground's mean of colour where it is known (3) and the share of such pixels, then background's.
    Far colours are the means of the `nearest` tiles that know any, and 255 after each where there is any in the picture
    (0: none).
    """
    planes = []
    for part in known.float().chunk(2, dim=1):
        sums = nearest(part)
        any_known = sums[:, COLOURS:] > 0
        colour = coloured(sums[:, :COLOURS] / sums[:, COLOURS:].clamp_min(torch.finfo(torch.float32).tiny))
        planes += [colour.clamp(0, 1) * any_known, any_known]
    return (torch.cat(planes, dim=1) * _LEVELS).round().to(torch.uint8)


def far_cells(far: Tensor, stride: int) -> Tensor:
    """Interpolate far colours (B, 8, n + 2, m + 2), one tile beyond each side, to cells (B, 8, stride n, stride m).

    Colours are normalised and weighted by the plane after them, in 0..1.
    """
    planes = []
    for part in spread(far.float() / _LEVELS, stride).chunk(2, dim=1):
        weight = part[:, COLOURS:]
        planes += [normalised(part[:, :COLOURS], weight), weight]
    return torch.cat(planes, dim=1)


def nearest(sums: Tensor) -> Tensor:
    """Return for each part of sums (B, C, n, m) those of the nine around it, and where they are all zero more.

    Then of the smallest part of an aligned pyramid that has any: an edit changes what is near it, and no more than that
    as long as something is known there.
    """
    return _smallest(F.avg_pool2d(sums, 3, stride=1, padding=1))


def _smallest(sums: Tensor) -> Tensor:
    """Sums, and where they are all zero those of the smallest part of an aligned pyramid that has any."""
    known = (sums != 0).any(dim=1, keepdim=True)
    height, width = sums.shape[2:]
    if height == width == 1 or bool(known.all()):
        return sums
    return torch.where(known, sums, F.interpolate(_smallest(_halved(sums)), scale_factor=2.0)[:, :, :height, :width])


def _halved(sums: Tensor) -> Tensor:
    """The next level of an aligned pyramid: means (B, C, ceil(n/2), ceil(m/2)) of 2 x 2, zeros beyond the border."""
    height, width = sums.shape[2:]
    return F.avg_pool2d(F.pad(sums, (0, width % 2, 0, height % 2)), 2)
