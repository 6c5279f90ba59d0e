"""Colour evidence: what a colour line through the nearest known foreground and background says of alpha.

Not in the paper. It is computed, not learned: a young network is told at once what colour alone can tell.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EVIDENCE_CHANNELS = 2
_CELL = 8
_REACH = (3, 7, 15, 31, 63)
_FADE = 0.1
_LEAST = 1e-9
_FLAT = 0.02
_DOUBT = 0.2


def colour_evidence(x: Tensor) -> Tensor:
    """Return (B, 2, H, W) for an input (B, 6, H, W): an estimate of alpha in [0, 1] and its confidence in [0, 1).

    F and B are means of known pixels, near ones first; alpha = (I - B) . (F - B) / |F - B|^2, pinned where the trimap
    knows it. Confidence grows with |F - B| and is zero where the patch knows no foreground or no background.
    """
    wide = x.float()
    foreground, seen_f = _known_colour(wide[:, :3], wide[:, 5:6])
    background, seen_b = _known_colour(wide[:, :3], wide[:, 3:4])
    apart = foreground - background
    power = apart.square().sum(dim=1, keepdim=True)
    slope = apart / (power + _FLAT)
    offset = -(background * slope).sum(dim=1, keepdim=True)
    confidence = power / (power + _DOUBT) * seen_f * seen_b
    line = F.interpolate(
        torch.cat([slope, offset, confidence], dim=1), scale_factor=_CELL, mode="bilinear", align_corners=False
    )
    alpha = ((line[:, :3] * wide[:, :3]).sum(dim=1, keepdim=True) + line[:, 3:4]).clamp(0.0, 1.0)
    # Without evidence the estimate is one half: a number that says nothing.
    unknown = wide[:, 4:5] * (0.5 + (alpha - 0.5) * (line[:, 4:] > 0))
    return torch.cat([unknown + wide[:, 5:6], line[:, 4:]], dim=1).to(x.dtype)


def _known_colour(rgb: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Mean colour (B, 3, h, w) of known pixels around each cell, near ones first, and whether there is any."""
    cells = F.avg_pool2d(torch.cat([rgb * known, known], dim=1), _CELL)
    total, share = cells, 1.0
    for reach in _REACH:
        share *= _FADE
        pad = reach // 2
        rows = F.avg_pool2d(cells, (1, reach), 1, (0, pad))
        total = total + share * F.avg_pool2d(rows, (reach, 1), 1, (pad, 0))
    return total[:, :3] / total[:, 3:].clamp_min(_LEAST), (total[:, 3:] > _LEAST).to(rgb.dtype)
