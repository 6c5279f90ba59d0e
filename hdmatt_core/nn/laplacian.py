"""The matting Laplacian on a coarse grid: alpha that is a linear function of colour in every small window.

Levin et al., "A closed-form solution to natural image matting" (2008), solved by a fixed number of Chebyshev steps, so
that a cell depends on no more than its surroundings and neighbouring patches agree.
"""

from __future__ import annotations

from functools import cached_property
from itertools import combinations_with_replacement, product
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_HIGHEST = 1.1
_FLAT = 1e-5
_PIN = 10.0
_PRIOR = 1e-4
_HALF = [(0, 0), (0, 1), (0, 2), *product((1, 2), range(-2, 3))]
"""A cell and those after it, row by row, within 5 x 5 cells around it."""


class Windows(NamedTuple):
    """Colour (B, 3, h, w) in windows of 3 x 3 cells: its means, and the covariance's LDL factors (six (B, 1, h, w))."""

    colour: Tensor
    mean: Tensor
    lower: tuple[Tensor, Tensor, Tensor]
    scale: tuple[Tensor, Tensor, Tensor]


def solve(colour: Tensor, known: Tensor, alpha: Tensor, trust: Tensor, steps: int, lowest: float) -> Tensor:
    """Return slope (3) and offset (1) of alpha = slope . I + offset per cell, (B, 4, h, w), of colour (B, 3, h, w).

    `known` (B, 1, h, w) is the share of a cell's pixels that the trimap knows, `alpha` what they are, and elsewhere
    a first estimate, which is believed a little where `trust` (B, 1, h, w) says so. The steps are made for
    eigenvalues from `lowest` on: smoother components converge more slowly. A line depends on the cells up to
    2 `steps` + 4 around it, and on no others.
    """
    windows = _windows(colour)
    weight = _PIN * known.square() + _PRIOR * trust * (1 - known)
    scale = 1 / (_count(colour) * (1 + weight[:, 0]))
    operator = _Operator(_stencil(windows), scale, alpha[:, 0].shape)
    constant = (weight * alpha / (1 + weight))[:, 0]
    return averaged(_lines(windows, _chebyshev(operator, constant, alpha[:, 0], steps, lowest)[:, None]))


def _chebyshev(operator: _Operator, constant: Tensor, x: Tensor, steps: int, lowest: float) -> Tensor:
    """Chebyshev semi-iteration (Golub and Varga, 1961) on planes (B, h, w), from a first guess.

    The residual is the constant and what the operator makes of x, less x.
    """
    middle, half = (_HIGHEST + lowest) / 2, (_HIGHEST - lowest) / 2

    def residual() -> Tensor:
        return operator(x).add_(constant).sub_(x)

    rho = half / middle
    step = residual() / middle
    for _ in range(steps):
        x = x + step
        following = 1 / (2 * middle / half - rho)
        step.mul_(following * rho).add_(residual(), alpha=2 * following / half)
        rho = following
    return x + step


class _Operator:
    """What the lines of all windows over a cell say of it, times a scale: the smoothing multiplied out.

    A step is then 25 products, where fitting the lines anew takes several times as many passes over the cells. The
    stencil (13, B, h + 4, w + 4) is symmetric: that of the cell at -d for d is that of d for the cell.
    """

    def __init__(self, stencil: Tensor, scale: Tensor, shape: torch.Size) -> None:
        self._scale = scale
        self._wide = stencil.new_zeros(shape[0], shape[1] + 4, shape[2] + 4)
        self._taps, places = [stencil[0][_at(0, 0, shape)]], [_at(0, 0, shape)]
        for taps, (down, right) in zip(stencil[1:], _HALF[1:], strict=True):
            places += [_at(down, right, shape), _at(-down, -right, shape)]
            self._taps += [taps[places[0]], taps[places[-1]]]
        self._cells = [self._wide[place] for place in places]

    def __call__(self, x: Tensor) -> Tensor:
        """Apply it to planes (B, h, w); gradients reach them and the scale, not the colours."""
        if torch.is_grad_enabled() and (x.requires_grad or self._scale.requires_grad):
            summed: Tensor = _Symmetric.apply(x, self)  # type: ignore[no-untyped-call]
            return summed * self._scale
        return self.summed(x).mul_(self._scale)

    def summed(self, x: Tensor) -> Tensor:
        """The products of planes (B, h, w) with the stencil, added up."""
        self._wide[:, 2:-2, 2:-2] = x
        return self.added() if x.device.type == "cpu" else self.together()

    def added(self) -> Tensor:
        """One product after another, as a processor likes it: what it adds to stays in its cache."""
        total = torch.zeros_like(self._cells[0])
        for taps, cells in zip(self._taps, self._cells, strict=True):
            total.addcmul_(taps, cells)
        return total

    def together(self) -> Tensor:
        """All products at once: an accelerator has done them all before it is told of a second."""
        return (self._stacked * torch.stack(self._cells)).sum(dim=0)

    @cached_property
    def _stacked(self) -> Tensor:
        return torch.stack(self._taps)


class _Symmetric(torch.autograd.Function):
    """The sum of an operator's products, which is its own adjoint; what it works in place with, nobody has to keep."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, operator: _Operator) -> Tensor:
        ctx.operator = operator
        return operator.summed(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.operator.summed(gradient), None


def _at(down: int, right: int, shape: torch.Size) -> tuple[slice, slice, slice]:
    """Where the cells `down` and `right` of all cells lie in a plane with two more cells on every side."""
    rows, columns = (slice(2 + by, 2 + by + side) for by, side in ((down, shape[1]), (right, shape[2])))
    return slice(None), rows, columns


def _stencil(windows: Windows) -> Tensor:
    """How much cells say of one another, summed over the windows that hold both: (13, B, h + 4, w + 4).

    Of each cell with itself and with the twelve that follow it within 5 x 5 cells, as `_HALF` lists them.
    """
    members = _members(windows)
    shape = members[0][0].shape
    taps = _together(shape, windows.mean)
    places = list(product((-1, 0, 1), repeat=2))
    for (one, first), (other, second) in combinations_with_replacement(zip(places, members, strict=True), 2):
        tap = taps[_HALF.index((other[0] - one[0], other[1] - one[1]))][_at(one[0], one[1], shape)]
        for mine, its in zip(first, second, strict=True):
            tap.addcmul_(mine, its)
    return taps


def _together(shape: torch.Size, like: Tensor) -> Tensor:
    """What a stencil (13, B, h + 4, w + 4) is where all of a window has one colour: shares of windows held together."""
    batch, height, width = shape
    down, right = ({by: _line_together(side, by, like) for by in range(-2, 3)} for side in (height, width))
    taps = torch.stack([down[row][:, None] * right[column] for row, column in _HALF])
    return taps[:, None].repeat(1, batch, 1, 1)


def _line_together(length: int, by: int, like: Tensor) -> Tensor:
    """On a line of cells, (length + 4,): one over how many each window holds, summed over those with a cell and the one
    `by` after it."""
    share, line = 1 / _within(length, like), like.new_zeros(length + 4)
    for one in (-1, 0, 1):
        other = one + by
        if abs(other) <= 1:
            first, last = max(0, -one, -other), length - max(0, one, other)
            line[2 + first + one : 2 + last + one] += share[first:last]
    return line


def _members(windows: Windows) -> list[tuple[Tensor, ...]]:
    """For each of the 3 x 3 cells of all windows three planes (B, h, w), whose dot product with those of another cell,
    and one over the window's cells, is the share that the other has in the line's value at the one."""
    height, width = windows.mean.shape[2:]
    wide = F.pad(windows.colour, (1, 1, 1, 1))
    share = _count(windows.mean).rsqrt()
    scales = [scale[:, 0].sqrt() * share for scale in windows.scale]
    rg, rb, gb = (lower[:, 0] for lower in windows.lower)
    members = []
    for row, column in product(range(3), repeat=2):
        apart = wide[:, :, row : row + height, column : column + width] - windows.mean
        for axis, place in ((2, row), (3, column)):
            if place != 1:  # cells outside belong to no window
                apart.select(axis, -1 if place else 0).zero_()
        r, g, b = apart.unbind(1)
        g = torch.addcmul(g, rg, r, value=-1)
        b = torch.addcmul(torch.addcmul(b, rb, r, value=-1), gb, g, value=-1)
        members.append(tuple(value * scale for value, scale in zip((r, g, b), scales, strict=True)))
    return members


def averaged(x: Tensor) -> Tensor:
    """Means over 3 x 3 cells, over those inside at the border; shifted sums are several times faster than pooling."""
    rows = x.clone()
    rows[..., 1:, :] += x[..., :-1, :]
    rows[..., :-1, :] += x[..., 1:, :]
    sums = rows.clone()
    sums[..., 1:] += rows[..., :-1]
    sums[..., :-1] += rows[..., 1:]
    return sums / _count(x)


def _count(like: Tensor) -> Tensor:
    """How many of the 3 x 3 cells around each are inside, (h, w)."""
    return _within(like.shape[-2], like)[:, None] * _within(like.shape[-1], like)


def _within(length: int, like: Tensor) -> Tensor:
    """How many of a cell and its two neighbours on a line are inside, (length,)."""
    count = like.new_full((length,), 3.0)
    count[0] -= 1
    count[-1] -= 1
    return count


def _windows(colour: Tensor) -> Windows:
    mean = averaged(colour)
    r, g, b = colour.unbind(1)
    products = averaged(torch.stack([r * r, r * g, r * b, g * g, g * b, b * b], dim=1))
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
    means = averaged(torch.cat([x, windows.colour * x], dim=1))
    r, g, b = (means[:, 1:] - windows.mean * means[:, :1]).chunk(3, dim=1)
    rg, rb, gb = windows.lower
    first, second, third = windows.scale
    g = g - rg * r
    b = (b - rb * r - gb * g) * third
    g = g * second - gb * b
    r = r * first - rg * g - rb * b
    slope = torch.cat([r, g, b], dim=1)
    return torch.cat([slope, means[:, :1] - (slope * windows.mean).sum(dim=1, keepdim=True)], dim=1)
