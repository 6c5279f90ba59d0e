"""Alpha by the matting Laplacian from coarse to fine: cells of 8 px over all that is seen, then 4 and 2 px nearby.

A coarse solution reaches far and costs little, a fine one finds strands and meshes; each level begins where the one
before it ended, so that few steps suffice.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hdmatt_core.nn.laplacian import solve
from hdmatt_core.nn.presets import EVIDENCE_CELL

_COARSE_STEPS, _FINE_STEPS = 64, 5
_COARSE_LOWEST, _FINE_LOWEST = 0.0006, 0.01
"""Eigenvalues that the steps are made for: wide bands are a matter of the smoothest components."""
_PALETTE = 0.1
"""Of palettes' trust beside that of near lines: they lead where one of both colours is known nowhere."""
_LEAST = 1e-6
_FINE = ((4, 32), (2, 0))
"""Cells of the fine levels, px, and the margin that the levels after each still need."""


def coarse_lines(cells: Tensor, near: Tensor, likely: Tensor) -> Tensor:
    """Return lines (B, 4, h, w), alpha = slope . I + offset, of known cells (B, 11, h, w).

    Far from all that the trimap knows they follow two guesses by the cell's mean colour: the near line's (B, 5, h, w),
    and `likely` (B, 2, h, w), alpha by palettes and the trust in it, as `looked_up` gives them.
    """
    known, colour = cells[:, 3:4] + cells[:, 7:8], cells[:, 8:]
    alphas = torch.cat([along(colour, near).clamp(0.0, 1.0), likely[:, :1]], dim=1)
    trusts = torch.cat([near[:, 4:], _PALETTE * likely[:, 1:]], dim=1)
    trust = trusts.sum(dim=1, keepdim=True)
    guess = 0.5 + (trusts * (alphas - 0.5)).sum(dim=1, keepdim=True) / trust.clamp_min(_LEAST)
    return solve(colour, known, cells[:, 3:4] + (1 - known) * guess, trust, _COARSE_STEPS, _COARSE_LOWEST)


def refined(x: Tensor, lines: Tensor, margin: int = 0) -> Tensor:
    """Return alpha (B, 1, H, W) in [0, 1] of an input (B, 6, H + 2 margin, W + 2 margin) and its coarse lines.

    `lines` are (B, 4, (H + 2 margin)/8 + 2, (W + 2 margin)/8 + 2): one cell beyond each side.
    """
    larger = EVIDENCE_CELL
    for cell, kept in _FINE:
        spare = max(0, margin - kept)
        lines = _inside(_level(x, spread(lines, larger // cell), cell), spare // cell)
        x, margin, larger = _inside(x, spare), margin - spare, cell
    return pinned(x, along(x[:, :3], spread(lines, larger)))


def _level(x: Tensor, lines: Tensor, cell: int) -> Tensor:
    """Solve on cells of `cell` px, beginning with lines of theirs: (B, 4, h + 2, w + 2), one cell beyond each side."""
    colour, known, foreground = (gathered(part, cell) for part in (x[:, :3], 1 - x[:, 4:5], x[:, 5:6]))
    first = foreground + (1 - known) * along(colour, lines).clamp(0.0, 1.0)
    solved = solve(colour, known, first, known.new_zeros(()), _FINE_STEPS, _FINE_LOWEST)
    return F.pad(solved, (1, 1, 1, 1), mode="replicate")


def gathered(planes: Tensor, cell: int) -> Tensor:
    """Means (B, C, H/cell, W/cell) of cells; whole rows are added first, which is several times faster than pooling."""
    batch, channels, height, width = planes.shape
    rows = planes.reshape(batch, channels, height // cell, cell, width).sum(dim=3)
    return rows.view(*rows.shape[:3], width // cell, cell).sum(dim=4) / cell**2


def along(colour: Tensor, line: Tensor) -> Tensor:
    """Evaluate lines (B, 4 or more, h, w) on colour (B, 3, h, w): (B, 1, h, w), without bounds."""
    return (line[:, :3] * colour).sum(dim=1, keepdim=True) + line[:, 3:4]


def pinned(x: Tensor, alpha: Tensor) -> Tensor:
    """Clamp alpha (B, c, H, W) to [0, 1] and give known pixels of the input (B, 6, H, W) what the trimap says."""
    return x[:, 4:5] * alpha.clamp(0.0, 1.0) + x[:, 5:6]


def spread(lines: Tensor, cell: int) -> Tensor:
    """Interpolate lines (B, C, h + 2, w + 2) of cells to pixels (B, C, cell h, cell w), float32."""
    line = F.interpolate(lines.float(), scale_factor=cell, mode="bilinear", align_corners=False)
    return line[:, :, cell:-cell, cell:-cell]


def _inside(planes: Tensor, spare: int) -> Tensor:
    inner = slice(spare, -spare or None)
    return planes[:, :, inner, inner]
