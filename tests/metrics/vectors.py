"""Five small cases with figures of the reference implementation: prediction, truth and trimap, then the errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Vector:
    """SAD, MSE, Grad and Conn of a prediction."""

    prediction: Bytes
    truth: Bytes
    trimap: Bytes
    errors: tuple[float, float, float, float]


def _flat(side: int, value: int) -> Bytes:
    return np.full((side, side), value, np.uint8)


def _quarters() -> Vector:
    trimap = _flat(32, 0)
    trimap[:16, :16], trimap[16:, 16:] = 128, 255
    prediction = np.where(trimap == 255, 255, 0).astype(np.uint8)
    return Vector(prediction, _flat(32, 255), trimap, (0.256, 1.0, 0.0028887, 0.256))


def _ramps() -> Vector:
    x = np.arange(32)
    known = np.where(x < 4, 0, np.where(x >= 28, 255, 128))
    truth, prediction = (np.where(known == 128, np.minimum(255, 8 * x + more), known) for more in (0, 16))
    rows = [np.tile(row.astype(np.uint8), (32, 1)) for row in (prediction, truth, known)]
    return Vector(rows[0], rows[1], rows[2], (0.0481882, 0.0039369, 0.0024681, 0.0148078))


def _islands() -> Vector:
    truth = _flat(48, 0)
    truth[8:24, 8:24], truth[30:40, 30:40] = 255, 204
    prediction = truth.copy()
    prediction[30:40, 30:40], prediction[26:28, 10:20] = 102, 153
    trimap = _flat(48, 128)
    trimap[:4] = 0
    return Vector(prediction, truth, trimap, (0.052, 0.0109848, 0.1570608, 0.052))


def _noise() -> Vector:
    state, drawn = 12345, []
    for _ in range(2 * 576):
        state = (1103515245 * state + 12345) % 2**31
        drawn.append((state >> 16) & 255)
    truth, prediction = np.array(drawn, np.uint8).reshape(2, 24, 24)
    trimap = _flat(24, 128)
    for plane in (truth, prediction, trimap):
        plane[:, :3], plane[:, 21:] = 0, 255
    return Vector(prediction, truth, trimap, (0.1485608, 0.1776697, 0.0368803, 0.1613039))


def _plain() -> Vector:
    return Vector(_flat(16, 153), _flat(16, 255), _flat(16, 128), (0.1024, 0.16, 0.0, 0.1024))


VECTORS = {"V1": _quarters(), "V2": _ramps(), "V3": _islands(), "V4": _noise(), "V5": _plain()}
