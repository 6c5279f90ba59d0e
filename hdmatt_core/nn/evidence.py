"""Colour evidence: what a colour line through the nearest known foreground and background says of alpha.

Not in the paper. It is computed, not learned: a young network is told at once what colour alone can tell.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hdmatt_core.nn.presets import EVIDENCE_CELL

_REACH = (3, 7, 15, 31, 63)
_FADE = 0.1
_LEAST = 1e-9
_FLAT = 0.02
_DOUBT = 0.2


def known_cells(x: Tensor) -> Tensor:
    """Return what is known per cell of 8 px, (B, 8, H/8, W/8), of an input (B, 6, H, W).

    Channels: mean of colour where foreground is known (3), share of such pixels; the same of background.
    """
    wide = x.float()
    planes = [part for known in (wide[:, 5:6], wide[:, 3:4]) for part in (wide[:, :3] * known, known)]
    return F.avg_pool2d(torch.cat(planes, dim=1), EVIDENCE_CELL)


def colour_lines(cells: Tensor, spare: int = 0) -> Tensor:
    """Return colour lines (B, 5, h + 2, w + 2) of known cells (B, 8, h + 2 spare, w + 2 spare).

    Channels: slope (3) and offset of alpha = slope . I + offset, and confidence in [0, 1); one cell beyond each side
    is kept. F and B are means of known pixels, near ones first; alpha = (I - B) . (F - B) / |F - B|^2. Confidence
    grows with |F - B| and is zero where no foreground or no background is in sight. With `EVIDENCE_HALO` px of spare
    cells neighbouring patches agree; with none a patch sees itself alone.
    """
    foreground, seen_f = _known_colour(cells[:, :4])
    background, seen_b = _known_colour(cells[:, 4:])
    apart = foreground - background
    power = apart.square().sum(dim=1, keepdim=True)
    slope = apart / (power + _FLAT)
    offset = -(background * slope).sum(dim=1, keepdim=True)
    confidence = power / (power + _DOUBT) * seen_f * seen_b
    lines = torch.cat([slope, offset, confidence], dim=1)
    if spare == 0:
        return F.pad(lines, (1, 1, 1, 1), mode="replicate")
    inner = slice(spare - 1, 1 - spare or None)
    return lines[:, :, inner, inner]


def colour_evidence(x: Tensor, lines: Tensor) -> Tensor:
    """Return (B, 2, H, W): an estimate of alpha in [0, 1], pinned where the trimap knows it, and its confidence."""
    wide, cell = x.float(), EVIDENCE_CELL
    line = F.interpolate(lines.float(), scale_factor=cell, mode="bilinear", align_corners=False)
    line = line[:, :, cell:-cell, cell:-cell]
    alpha = ((line[:, :3] * wide[:, :3]).sum(dim=1, keepdim=True) + line[:, 3:4]).clamp(0.0, 1.0)
    # Without evidence the estimate is one half: a number that says nothing.
    unknown = wide[:, 4:5] * (0.5 + (alpha - 0.5) * (line[:, 4:] > 0))
    return torch.cat([unknown + wide[:, 5:6], line[:, 4:]], dim=1).to(x.dtype)


def _known_colour(cells: Tensor) -> tuple[Tensor, Tensor]:
    """Mean colour (B, 3, h, w) of known pixels around each cell, near ones first, and whether there is any."""
    pad = _REACH[-1] // 2
    cells = F.pad(cells, (pad, pad, pad, pad))  # sums reach beyond the border, where nothing is known
    total, share, rows = cells, 1.0, cells
    for level, reach in enumerate(_REACH):
        share *= _FADE
        rows = _wider(rows, cells, level, 3)
        box = rows
        for step in range(level + 1):
            box = _wider(box, rows, step, 2)
        total = total + share / reach**2 * box
    total = total[:, :, pad:-pad, pad:-pad]
    return total[:, :3] / total[:, 3:].clamp_min(_LEAST), (total[:, 3:] > _LEAST).to(cells.dtype)


def _wider(sums: Tensor, cells: Tensor, level: int, axis: int) -> Tensor:
    """Sums over 2 r + 1 cells from sums over r = 2^(level + 1) - 1: one to each side and the cell between.

    Two additions a level, where a direct sum would take 2 r.
    """
    step, length = 2**level, cells.shape[axis]
    wide = cells.clone()
    if step < length:
        wide.narrow(axis, step, length - step).add_(sums.narrow(axis, 0, length - step))
        wide.narrow(axis, 0, length - step).add_(sums.narrow(axis, step, length - step))
    return wide
