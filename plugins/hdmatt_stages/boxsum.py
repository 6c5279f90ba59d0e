"""Sums over square windows in integers: the same bits however the image is cut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def box_sums(values: Integers, half: int) -> Integers:
    """Sum (H, W) over windows of side 2 half + 1 that lie inside: (H - 2 half, W - 2 half).

    A running sum of floats rounds differently in every tile; integers do not round.
    """
    return _along(_along(values, half, 0), half, 1)


def _along(values: Integers, half: int, axis: int) -> Integers:
    side = 2 * half + 1
    running = np.cumsum(values, axis=axis)
    length = values.shape[axis]
    sums = running[_cut(axis, side - 1, length)]
    sums[_cut(axis, 1, None)] -= running[_cut(axis, 0, length - side)]
    return sums


def _cut(axis: int, start: int, stop: int | None) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, slice(start, stop))
