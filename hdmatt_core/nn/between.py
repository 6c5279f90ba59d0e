"""Alpha by the colours beside a pixel: where its own lies between those of sure foreground and of sure background.

Not in the paper. Two colours a few pixels apart tell more of a strand than the network's matte, a little blurred.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hdmatt_core.nn.laplacian import averaged

_POWER = 5
"""How fast a pixel ceases to count as either, the further alpha is from 0 or 1."""
_ROUNDS = 2
"""Means over 3 x 3 pixels, one of another: a pixel sees two to each side."""
_SEEN = 0.003
"""How much of each must be seen there, of all that could be."""
_ALIKE, _OTHER = 0.2, 0.5
"""By how much alpha of both must differ for them to be believed not at all, and wholly: smoke is neither."""
_APART, _OFF = 0.04, 0.01
"""Squared distances of normalised colours, of both from each other and of the pixel's from the line between them: where
they are that large the colours are believed half."""


def between(colour: Tensor, alpha: Tensor) -> Tensor:
    """Return alpha (B, 1, H, W) in [0, 1], moved to where colour (B, 3, H, W) lies between the surer ones around it.

    alpha' = (I - B) . (F - B) / |F - B|^2, F and B the means of colour weighted by powers of alpha and 1 - alpha. It is
    believed the more the further F and B are apart, in colour and in alpha, and the nearer I is to the line between
    them, and not at all where one of both is not to be seen.
    """
    foreground, background = _beside(colour, alpha), _beside(colour, 1 - alpha)
    apart, off = foreground[:, :3] - background[:, :3], colour - background[:, :3]
    power = apart.square().sum(dim=1, keepdim=True)
    place = ((off * apart).sum(dim=1, keepdim=True) / (power + _OFF)).clamp(0.0, 1.0)
    missed = (off - place * apart).square().sum(dim=1, keepdim=True)
    seen = (foreground[:, 4:] > _SEEN) & (background[:, 4:] > _SEEN)
    differ = foreground[:, 3:4] + background[:, 3:4] - 1
    sure = ((differ - _ALIKE) / (_OTHER - _ALIKE)).clamp(0.0, 1.0) * seen
    return alpha + power / (power + _APART) * (_OFF / (_OFF + missed)) * sure * (place - alpha)


def _beside(colour: Tensor, share: Tensor) -> Tensor:
    """Means of colour (B, 3, H, W) and of share (B, 1, H, W) around each pixel, weighted by a power of the share, and
    how much weight there is: (B, 5, H, W)."""
    weight = share**_POWER
    sums = torch.cat([colour * weight, share * weight, weight], dim=1)
    for _ in range(_ROUNDS):
        sums = averaged(sums)
    return torch.cat([sums[:, :4] / sums[:, 4:].clamp_min(_SEEN), sums[:, 4:]], dim=1)
