"""2x2 pooling and its inverse, without scatter: the same bits on every device, and exportable."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """Max-pool (B, C, H, W) 2x2 to (B, C, H/2, W/2) and say where the maximum stood.

    The place is uint8: 0 and 1 in the window's upper row, 2 and 3 in the lower; a tie goes to the lowest.
    """
    top = F.max_pool2d(x, 2)
    # Not the first of four: one place further, if not the second either two, and so on. Bytes multiply fast.
    first, second, third = ((x[..., k // 2 :: 2, k % 2 :: 2] != top).view(torch.uint8) for k in range(3))
    return top, third.add_(1).mul_(second).add_(1).mul_(first)


def unpool(x: Tensor, place: Tensor) -> Tensor:
    """Spread (B, C, h, w) to (B, C, 2h, 2w), channels last: each value goes to its `place`, the rest is zero."""
    batch, channels, height, width = x.shape
    shape = (batch, channels, 2 * height, 2 * width)
    spread = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    for k in range(4):
        spread[..., k // 2 :: 2, k % 2 :: 2] = x * (place == k)
    return spread
