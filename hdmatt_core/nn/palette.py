"""What a pixel's colour alone says of alpha: how often foreground and background are known to have such a colour.

A histogram of colours of each, as tables that are looked up. It does not see where a pixel lies, and so it tells as
much in the middle of a wide band as at its border.
"""

from __future__ import annotations

import math
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from hdmatt_core.nn.far import nearest
from hdmatt_core.nn.inputs import coloured
from hdmatt_core.nn.presets import AT_ONCE, BINS

_THIN = 2
"""Every so many rows and columns are counted: a histogram does not need all."""
_HALVES = (1, 2, 4, 8)
_FADE = 0.05
_LEAST = 1e-5
"""A share of colours that is as good as none."""
_LEVELS = 255.0
_DEPTH = -math.log(_LEAST)


def counted(x: Tensor) -> Tensor:
    """Return histograms (B, 2, N, N, N) of an input (B, 6, H, W): shares of all pixels, axes blue, green, red.

    First of known foreground, then of known background. A colour counts for the eight bins around it by its nearness.
    """
    thin = x[:, :, ::_THIN, ::_THIN].float()
    known, batch = thin[:, 4] == 0, torch.arange(len(x), device=x.device)[:, None, None]
    which = ((2 * batch + (thin[:, 3] > 0)) * BINS**3)[known]
    places = [(plane * (BINS - 1))[known] for plane in coloured(thin[:, :3]).clamp(0, 1).unbind(1)]
    low = [place.floor().clamp(max=BINS - 2) for place in places]
    shares = [(1 - (place - below), place - below) for place, below in zip(places, low, strict=True)]
    red, green, blue = (below.long() for below in low)
    first = which + (blue * BINS + green) * BINS + red
    corners = list(product((0, 1), repeat=3))
    bins = torch.stack([first + (b * BINS + g) * BINS + r for r, g, b in corners])
    weights = torch.stack([shares[0][r] * shares[1][g] * shares[2][b] for r, g, b in corners])
    counts = torch.bincount(bins.flatten(), weights.flatten(), minlength=len(x) * 2 * BINS**3)
    return counts.view(len(x), 2, BINS, BINS, BINS) / known[0].numel()


def likely(counts: Tensor) -> Tensor:
    """Return tables (B, 2, N, N, N) uint8 of how likely foreground and background have a colour, from histograms.

    A logarithm: 0 is a share of 0.00001 or less, 255 all of it. Both count alike, however many pixels are known; a
    colour that one of them does not have takes after near ones that it has. One that is not known at all may have any
    colour, so that what is unlike all known background is likely foreground.
    """
    sums = counts.sum(dim=(2, 3, 4), keepdim=True)
    shares = _filled(counts / sums.clamp_min(torch.finfo(torch.float32).tiny))
    shares = torch.where(sums > 0, shares, 1 / BINS**3)
    return (((shares / _LEAST + 1).log() / _DEPTH).clamp(0, 1) * _LEVELS).round().to(torch.uint8)


def coded(counts: Tensor) -> Tensor:
    """Histograms as bytes: roots, so that a few pixels of a tile still count."""
    return (counts.clamp(0, 1).sqrt() * _LEVELS).round().to(torch.uint8)


def decoded(codes: Tensor) -> Tensor:
    """Undo `coded`."""
    return (codes.float() / _LEVELS).square()


def spread_palette(counts: Tensor) -> Tensor:
    """Return tables (n, m, 2 N^3), as `likely` makes them, from histograms (n, m, 2 N^3) of the parts of a picture.

    Each part sees the `nearest` that know foreground, and the nearest that know background.
    """
    sums = torch.cat([nearest(one) for one in counts.permute(2, 0, 1)[None].chunk(2, dim=1)], dim=1)
    rows = sums[0].flatten(1).T.view(-1, 2, BINS, BINS, BINS)
    return torch.cat([likely(some) for some in torch.split(rows, AT_ONCE)]).view(*counts.shape[:2], -1)


def looked_up(tables: Tensor, x: Tensor) -> Tensor:
    """Look up colours (B, 3 or more, H, W) in tables (B, 2, N, N, N) of 0..255: alpha and trust (B, 2, H, W).

    Alpha is F / (F + B); trust is 0 where no such colour is known, and 1 where one of both has no other.
    """
    places = (2 * coloured(x[:, :3].float()) - 1).permute(0, 2, 3, 1)[:, None]
    found = F.grid_sample(tables.float() / _LEVELS, places, padding_mode="border", align_corners=True)[:, :, 0]
    foreground, background = found.chunk(2, dim=1)
    alpha = (_DEPTH * (foreground - background)).sigmoid()
    return torch.cat([alpha, torch.maximum(foreground, background)], dim=1)


def _filled(shares: Tensor) -> Tensor:
    """Add to histograms those of ever wider surroundings in the space of colours, near ones first."""
    total, wide, weight = shares, shares, 1.0
    bins = torch.arange(BINS, device=shares.device)
    apart = (bins[:, None] - bins).abs()
    for half in _HALVES:
        weight *= _FADE
        mean = (apart <= half).to(shares.dtype) / (2 * half + 1)
        wide = torch.einsum("nkbgr,bx,gy,rz->nkxyz", wide, mean, mean, mean)
        total = total + weight * wide
    return total
