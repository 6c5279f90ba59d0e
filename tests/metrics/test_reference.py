"""The errors against their definitions, written out plainly in single precision, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.metrics import eight_bit, score

Bytes = NDArray[np.uint8]


@given(seed=st.integers(0, 2**32), shape=st.tuples(st.integers(2, 14), st.integers(2, 14)), few=st.booleans())
@settings(max_examples=60)
def test_as_defined(seed: int, shape: tuple[int, int], few: bool) -> None:
    rng = np.random.default_rng(seed)
    values = np.array([0, 26, 76, 102, 153, 255]) if few else np.arange(256)
    prediction, truth = (rng.choice(values, shape).astype(np.uint8) for _ in range(2))
    trimap = rng.choice([0, 128, 128, 128, 255], shape).astype(np.uint8)
    found, unknown = score(prediction, truth, trimap), trimap == 128
    given_ = np.where(unknown, prediction, trimap)
    error = (given_[unknown] / 255) - (truth[unknown] / 255)
    assert found.unknown == unknown.sum()
    assert found.sad == pytest.approx(np.abs(error).sum() / 1000)
    assert found.mse == pytest.approx(np.square(error).mean() if error.size else 0.0)
    assert found.grad == pytest.approx(_gradient_error(given_, truth, unknown), abs=1e-12)
    assert found.conn == pytest.approx(_connectivity_error(given_, truth, unknown), abs=1e-7)


def _gradient_error(prediction: Bytes, truth: Bytes, unknown: NDArray[np.bool_]) -> float:
    error = np.square(_magnitude(prediction) - _magnitude(truth))
    return float(error[unknown].sum() / 1000)


def _magnitude(matte: Bytes) -> NDArray[np.float64]:
    """A dense 9 x 9 convolution of the stretched matte, one tap after the other."""
    span = max(int(matte.max()) - int(matte.min()), 1)
    padded = np.pad((matte - float(matte.min())) / span, 4, mode="edge")
    taps = range(-4, 5)
    bell = {t: math.exp(-(t**2) / (2 * 1.4**2)) for t in taps}
    kernel = {(y, x): bell[y] * -x * bell[x] for y in taps for x in taps}
    norm = math.sqrt(sum(value**2 for value in kernel.values()))
    height, width = matte.shape
    gx, gy = np.zeros(matte.shape), np.zeros(matte.shape)
    for (y, x), value in kernel.items():
        gx += value / norm * padded[4 + y : 4 + y + height, 4 + x : 4 + x + width]
        gy += value / norm * padded[4 + x : 4 + x + height, 4 + y : 4 + y + width]
    return np.sqrt(gx**2 + gy**2)


def _connectivity_error(prediction: Bytes, truth: Bytes, unknown: NDArray[np.bool_]) -> float:
    tenths = [np.float32(i) / np.float32(10) for i in range(11)]
    p, t = (matte.astype(np.float32) / np.float32(255) for matte in (prediction, truth))
    level = np.full(p.shape, np.float32(-1))
    for i in range(1, 11):
        inside = _biggest(np.minimum(p, t) >= tenths[i])
        level[(level == -1) & ~inside] = tenths[i - 1]
    level[level == -1] = 1
    phi = [1 - (a - level) * (a - level >= np.float32(0.15)) for a in (p, t)]
    return float(np.abs(phi[0] - phi[1])[unknown].astype(np.float64).sum() / 1000)


def _biggest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Flood fill from every pixel in row order; the first of the largest."""
    seen, best = np.zeros_like(mask), np.zeros_like(mask)
    for start in np.argwhere(mask):
        part, front = np.zeros_like(mask), [tuple(start)]
        while front:
            y, x = front.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not seen[y, x]:
                seen[y, x] = part[y, x] = True
                front += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        best = part if part.sum() > best.sum() else best
    return best


def test_thresholds_are_met_by_their_own_values() -> None:
    """In double precision 153/255 misses a threshold of 0.1 * 6, and this error would not be 0."""
    matte = np.full((8, 8), 153, np.uint8)
    assert score(matte, matte, np.full((8, 8), 128, np.uint8)).conn == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0, 128, 129, 65535], np.uint16), [0, 0, 1, 255]),
        (np.array([-0.1, 0.5, 0.7, 1.5]), [0, 128, 179, 255]),
        (np.array([False, True]), [0, 255]),
        (np.array([3, 4], np.uint8), [3, 4]),
    ],
)
def test_eight_bits_are_the_nearest(values: NDArray[np.generic], expected: list[int]) -> None:
    assert eight_bit(values).tolist() == expected


def test_what_has_no_full_scale_is_refused() -> None:
    with pytest.raises(UserError, match="no known full scale"):
        eight_bit(np.zeros((2, 2), np.int64))
    with pytest.raises(UserError, match="NaN"):
        eight_bit(np.array([np.nan]))
