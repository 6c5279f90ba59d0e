"""Colour evidence: what known colours around, and the smoothness of mattes along colour, say of alpha.

Not in the paper. It is computed, not learned: a young network is told at once what colour alone can tell.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from hdmatt_core.nn.far import far_cells, spread_far
from hdmatt_core.nn.palette import counted, likely, looked_up
from hdmatt_core.nn.presets import COLOURS, EVIDENCE_CELL, FAR_TILE
from hdmatt_core.nn.solved import along, coarse_lines, gathered, pinned, refined, spread

_REACH = (3, 7, 15, 31, 63)
_FADE = 0.1
_FAR = 1e-8
"""Weight of far colours: less than that of a few known pixels near the end of the widest filter."""
_LEAST = 1e-9
_BELIEVED = 0.5
"""Of far colours: a place that is like none of them may well be of either."""
_FLAT = 0.02
_DOUBT = 0.2


class Evidence(NamedTuple):
    """What colour says of patches (B, H, W): near lines (B, 5, H/8 + 2, W/8 + 2), one cell beyond each side, and
    planes (B, 4, H, W): alpha by the matting Laplacian, by the palettes and by the overview, and how far the palettes
    know the colour. Where there is no overview, the Laplacian's alpha stands in for it."""

    lines: Tensor
    planes: Tensor


def known_cells(x: Tensor) -> Tensor:
    """Return what is known per cell of 8 px, (B, 11, H/8, W/8), of an input (B, 6, H, W).

    Channels: mean of colour where foreground is known (3), share of such pixels; the same of background; mean colour.
    """
    wide = x.float()
    colour = wide[:, :3]
    planes = [part for known in (wide[:, 5:6], wide[:, 3:4]) for part in (colour * known, known)]
    return torch.cat([gathered(plane, EVIDENCE_CELL) for plane in (*planes, colour)], dim=1)


def whole_evidence(x: Tensor) -> Evidence:
    """Return the evidence of an input (B, 6, H, W), H and W multiples of 8, that is all there is to see."""
    wide = x.float()
    cells = known_cells(wide)
    near = near_lines(cells, _far(cells))
    tables = likely(counted(wide))
    coarse = coarse_lines(cells, near, looked_up(tables, cells[:, -COLOURS:]))
    edged = [F.pad(lines, (1, 1, 1, 1), mode="replicate") for lines in (near, coarse)]
    return Evidence(edged[0], planes_of(refined(wide, edged[1]), looked_up(tables, wide)))


def planes_of(solved: Tensor, likely: Tensor, overview: Tensor | None = None) -> Tensor:
    """Stack planes (B, 4, H, W) of evidence: alpha by the Laplacian (B, 1, H, W), by palettes with trust (B, 2, H, W),
    and by an overview (B, 1, H, W), if there is one."""
    return torch.cat([solved, likely[:, :1], solved if overview is None else overview, likely[:, 1:]], dim=1)


def near_lines(cells: Tensor, far: Tensor) -> Tensor:
    """Return lines (B, 5, h, w), as `colour_line` does, from the known colours around each of cells (B, 11, h, w).

    Where there are none, `far` (B, 8, h, w) tells what is known farther away, as `far_cells` gives it.
    """
    foreground, background = far.chunk(2, dim=1)
    return colour_line(*_known_colour(cells[:, :4], foreground), *_known_colour(cells[:, 4:8], background))


def colour_line(foreground: Tensor, seen_f: Tensor, background: Tensor, seen_b: Tensor) -> Tensor:
    """Return (B, 5, h, w): slope (3) and offset of alpha = slope . I + offset, and confidence in [0, 1).

    alpha = (I - B) . (F - B) / |F - B|^2 for mean colours F and B (B, 3, h, w). Confidence grows with |F - B| and is
    zero where no foreground or no background is seen.
    """
    apart = foreground - background
    power = apart.square().sum(dim=1, keepdim=True)
    slope = apart / (power + _FLAT)
    offset = -(background * slope).sum(dim=1, keepdim=True)
    return torch.cat([slope, offset, power / (power + _DOUBT) * seen_f * seen_b], dim=1)


def colour_evidence(x: Tensor, evidence: Evidence) -> Tensor:
    """Return (B, 6, H, W): four estimates of alpha in [0, 1], pinned where the trimap knows it; then trust, 0 there,
    in the first and in the third."""
    near, sure = estimate(x, spread(evidence.lines, EVIDENCE_CELL))
    alphas, trust = evidence.planes[:, :-1], evidence.planes[:, -1:]
    return torch.cat([near, pinned(x, alphas), sure, trust * x[:, 4:5]], dim=1).to(x.dtype)


def estimate(x: Tensor, line: Tensor) -> tuple[Tensor, Tensor]:
    """Evaluate lines (B, 5, H, W) on an input: alpha (B, 1, H, W), one half without evidence, and its confidence."""
    # One half is a number that says nothing.
    alpha = 0.5 + (along(x[:, :3], line).clamp(0.0, 1.0) - 0.5) * (line[:, 4:] > 0)
    return pinned(x, alpha), line[:, 4:] * x[:, 4:5]


def _far(cells: Tensor) -> Tensor:
    """Far colours of cells (B, 11, h, w) that are all there is to see."""
    height, width = cells.shape[2:]
    side = FAR_TILE // EVIDENCE_CELL
    known = gathered(F.pad(cells[:, :8], (0, -width % side, 0, -height % side)), side)
    far = F.pad(spread_far(known).float(), (1, 1, 1, 1), mode="replicate")
    return far_cells(far, side)[:, :, :height, :width]


def _known_colour(cells: Tensor, far: Tensor) -> tuple[Tensor, Tensor]:
    """Mean colour (B, 3, h, w) of known pixels around each cell, near ones first, and how far it is to be believed.

    That is 1 where some are near, less where only far ones are known, and 0 where there are none.
    """
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
    near = total[:, 3:]
    total = total + _FAR * far
    found = total[:, 3:].clamp_min(_LEAST)
    believed = _BELIEVED + (1 - _BELIEVED) * near / found
    return total[:, :3] / found, believed * (total[:, 3:] > _LEAST)


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
