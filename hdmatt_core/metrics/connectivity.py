"""Connectivity error: how far below its own alpha a pixel is still connected to the largest solid component.

In single precision, as the reference computes, thresholds and values are the nearest floats to whole numbers of
tenths and of 255ths, so every comparison comes out as it does in whole numbers. Here all of it is whole numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hdmatt_core.metrics.sums import PARTS, Sums

THRESHOLDS = tuple(-(-255 * tenth // 10) for tenth in range(11))
"""The least 8-bit value whose alpha reaches 0, 0.1 ... 1."""
_STEP = PARTS // 10
_LEAST = -(-15 * PARTS // 100)  # 0.15: smaller distances count as none

Labels = NDArray[np.int32]


def labelled(mask: NDArray[np.bool_]) -> tuple[Labels, int]:
    """4-connected components of a mask (H, W), numbered from 1 by their first pixel in row order; and how many."""
    labels, count = ndimage.label(np.ascontiguousarray(mask), output=np.int32)
    return labels, int(count)


def largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest component of a mask, of equal ones the first in row order; nothing where the mask is empty."""
    labels, count = labelled(mask)
    if not count:
        return mask
    inside: NDArray[np.bool_] = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return inside


def levels(both: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The threshold's number 0..10 up to which each pixel stays in the component; ``both`` is min(P, T), (H, W)."""
    level = np.zeros(both.shape, np.uint8)
    inside = np.ones(both.shape, np.bool_)
    for threshold in THRESHOLDS[1:]:
        inside &= largest(both >= threshold)
        level += inside
    return level


def connectivity_sums(
    prediction: NDArray[np.uint8], truth: NDArray[np.uint8], level: NDArray[np.uint8], unknown: NDArray[np.bool_]
) -> Sums:
    """The error over the unknown pixels of arrays (H, W), given their levels."""
    reached = level[unknown].astype(np.int64) * _STEP
    error = np.abs(_distance(prediction[unknown], reached) - _distance(truth[unknown], reached))
    return Sums(connectivity=int(error.sum()))


def _distance(values: NDArray[np.uint8], reached: NDArray[np.int64]) -> NDArray[np.int64]:
    """1 - phi in 1/2550: alpha above the level where the pixel is connected, if it is at least 0.15."""
    distance = values.astype(np.int64) * 10 - reached
    return np.where(distance >= _LEAST, distance, 0)
