"""The matting Laplacian on a coarse grid: alpha that is a linear function of colour in every small window.

Levin et al., "A closed-form solution to natural image matting" (2008), solved by a fixed number of Chebyshev steps, so
that a cell depends on no more than its surroundings and neighbouring patches agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

_HIGHEST = 1.1
_FLAT = 1e-5
_PIN = 10.0
_PRIOR = 1e-4


class Windows(NamedTuple):
    """Colour (B, 3, h, w) in windows of 3 x 3 cells: its means, and the covariance's LDL factors (six (B, 1, h, w))."""

    colour: Tensor
    mean: Tensor
    lower: tuple[Tensor, Tensor, Tensor]
    scale: tuple[Tensor, Tensor, Tensor]


def solve(colour: Tensor, known: Tensor, alpha: Tensor, trust: Tensor, steps: int, lowest: float) -> Tensor:
    """Return slope (3) and offset (1) of alpha = slope . I + offset per cell, (B, 4, h, w), of colour (B, 3, h, w).

    `known` (B, 1, h, w) is the share of a cell's pixels that the trimap knows, `alpha` what they are, and elsewhere
    a first estimate, which is believed a little where `trust` (B, 1, h, w) says so. The steps are made for eigenvalues
    from `lowest` on: smoother components converge more slowly. A line depends on the cells up to 2 `steps` + 4 around
    it, and on no others.
    """
    windows = _windows(colour)
    pin, prior = _PIN * known.square(), _PRIOR * trust * (1 - known)
    weight = pin + prior

    def residual(x: Tensor) -> Tensor:
        return (weight * (alpha - x) - x + _smoothed(windows, x)) / (1 + weight)

    return _average(_lines(windows, _chebyshev(residual, alpha, steps, lowest)))


def _chebyshev(residual: Callable[[Tensor], Tensor], x: Tensor, steps: int, lowest: float) -> Tensor:
    """Chebyshev semi-iteration (Golub and Varga, 1961) for an affine residual, from a first guess."""
    middle, half = (_HIGHEST + lowest) / 2, (_HIGHEST - lowest) / 2
    rho = half / middle
    step = residual(x) / middle
    for _ in range(steps):
        x = x + step
        following = 1 / (2 * middle / half - rho)
        step = following * rho * step + 2 * following / half * residual(x)
        rho = following
    return x + step


def _average(x: Tensor) -> Tensor:
    """Means over 3 x 3 cells, over those inside at the border; shifted sums are several times faster than pooling."""
    rows = x.clone()
    rows[..., 1:, :] += x[..., :-1, :]
    rows[..., :-1, :] += x[..., 1:, :]
    sums = rows.clone()
    sums[..., 1:] += rows[..., :-1]
    sums[..., :-1] += rows[..., 1:]
    return sums / (_within(x.shape[2], x)[:, None] * _within(x.shape[3], x))


def _within(length: int, like: Tensor) -> Tensor:
    """How many of a cell and its two neighbours on a line are inside, (length,)."""
    count = like.new_full((length,), 3.0)
    count[0] -= 1
    count[-1] -= 1
    return count


def _windows(colour: Tensor) -> Windows:
    mean = _average(colour)
    r, g, b = colour.unbind(1)
    products = _average(torch.stack([r * r, r * g, r * b, g * g, g * b, b * b], dim=1))
    r, g, b = mean.unbind(1)
    covariance = products - torch.stack([r * r, r * g, r * b, g * g, g * b, b * b], dim=1)
    rr, rg, rb, gg, gb, bb = covariance.chunk(6, dim=1)
    # A factorisation keeps its precision where a window has almost one colour; an explicit inverse does not.
    first = rr.clamp_min(0) + _FLAT
    rg, rb = rg / first, rb / first
    second = (gg + _FLAT - rg.square() * first).clamp_min(_FLAT / 2)
    gb = (gb - rg * rb * first) / second
    third = (bb + _FLAT - rb.square() * first - gb.square() * second).clamp_min(_FLAT / 2)
    return Windows(colour, mean, (rg, rb, gb), (1 / first, 1 / second, 1 / third))


def _lines(windows: Windows, x: Tensor) -> Tensor:
    """Slope and offset (B, 4, h, w) of the line that fits x (B, 1, h, w) best in each window."""
    means = _average(torch.cat([x, windows.colour * x], dim=1))
    r, g, b = (means[:, 1:] - windows.mean * means[:, :1]).chunk(3, dim=1)
    rg, rb, gb = windows.lower
    first, second, third = windows.scale
    g = g - rg * r
    b = (b - rb * r - gb * g) * third
    g = g * second - gb * b
    r = r * first - rg * g - rb * b
    slope = torch.cat([r, g, b], dim=1)
    return torch.cat([slope, means[:, :1] - (slope * windows.mean).sum(dim=1, keepdim=True)], dim=1)


def _smoothed(windows: Windows, x: Tensor) -> Tensor:
    """What the lines of all windows over a cell say of it, in the mean: x minus its (scaled) Laplacian."""
    lines = _average(_lines(windows, x))
    return (lines[:, :3] * windows.colour).sum(dim=1, keepdim=True) + lines[:, 3:]
