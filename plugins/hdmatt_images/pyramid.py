"""Pyramids: every level is half of the one below it, and is made from that one alone, piece by piece.

A pixel is the mean of the 2 x 2 pixels under it, or of those that exist at a border of odd length. Integers are
rounded to the nearest value, halves upwards; floats are summed in float64 and rounded once. Where there is straight
alpha the colours are weighted by it (where all of it is 0, they are not), so that a reduced cut-out laid over a
reduced picture is the reduced picture of the cut-out laid over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array

Read = Callable[[Box], Array]
Shape = tuple[int, int]

PIECE = 512
"""Side of the pieces that a level is made in, in its own pixels."""

_ALPHA = 3  # the channel of straight alpha, in pictures of four
_SUM = 8  # bytes of a sum of samples


def plane(spec: ArraySpec) -> Shape:
    """Rows and columns of a picture."""
    return spec.shape[0], spec.shape[1]


def shapes(shape: Shape, smallest: int) -> list[Shape]:
    """Rows and columns of every level from the full one on, halved (rounded up) until both are at most ``smallest``."""
    levels = [shape]
    while max(levels[-1]) > smallest:
        levels.append((-(-levels[-1][0] // 2), -(-levels[-1][1] // 2)))
    return levels


def above(below: Read, shape: Shape) -> Read:
    """What reads the level above the one of ``shape`` that ``below`` reads."""

    def read(box: Box) -> Array:
        pieces = list(blocks_of(box.shape, (PIECE, PIECE)))
        first = halved(below(_under(pieces[0].shifted(box.start), shape)))
        if len(pieces) == 1:
            return first
        whole = np.empty((*box.shape, *first.shape[2:]), first.dtype)
        whole[pieces[0].slices] = first
        for piece in pieces[1:]:
            whole[piece.slices] = halved(below(_under(piece.shifted(box.start), shape)))
        return whole

    return read


def above_bytes(spec: ArraySpec, dtype: str) -> int:
    """Bytes allocated while a piece of a level of samples of ``dtype`` is made, beside the level's own box."""
    samples = PIECE * PIECE * (spec.channels or 1)
    below = 4 * 3 * samples * np.dtype(dtype).itemsize  # decoded pieces, the window cut from them, its border
    return below + 4 * samples * _SUM


def halved(values: Array) -> Array:
    """The level above: pixels (y, x) or (y, x, c), each the mean of those under it."""
    odd = [(0, side % 2) for side in values.shape[:2]]
    if any(side for _, side in odd):
        # a border pixel taken twice leaves the mean of those that exist, and its rounding, as they are
        values = np.pad(values, [*odd, *[(0, 0)] * (values.ndim - 2)], mode="edge")
    means = _mean(_sum(_quarters(values)), 4, values.dtype)
    if values.ndim == 3 and values.shape[2] > _ALPHA:
        _weigh(means, _quarters(values))
    return means


def _weigh(means: Array, quarters: list[Array]) -> None:
    """Replace mean colours by those weighted with alpha, where there is any."""
    weight = _sum([q[..., _ALPHA] for q in quarters])
    seen = weight > 0
    if not seen.any():
        return
    weight = weight[seen]
    for channel in range(_ALPHA):
        total = sum(_wide(q[..., channel][seen]) * q[..., _ALPHA][seen] for q in quarters)
        means[..., channel][seen] = _mean(np.asarray(total), weight, means.dtype)


def _quarters(values: Array) -> list[Array]:
    return [values[y::2, x::2] for y in (0, 1) for x in (0, 1)]


def _sum(quarters: list[Array]) -> Array:
    total = _wide(quarters[0])
    for quarter in quarters[1:]:
        total += quarter
    return total


def _wide(values: Array) -> Array:
    return values.astype(np.float64 if values.dtype.kind == "f" else np.uint64)


def _mean(total: Array, count: Any, dtype: np.dtype[Any]) -> Array:
    """``total / count`` in ``dtype``."""
    mean: Array = total / count if dtype.kind == "f" else (total + count // 2) // count
    return mean.astype(dtype)


def _under(box: Box, shape: Shape) -> Box:
    """The pixels of the level below, of ``shape``, that a box lies over."""
    return Box(tuple(2 * a for a in box.start), tuple(2 * b for b in box.stop)).within(shape)
