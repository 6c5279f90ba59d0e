"""Correlation of descriptors whose bits depend on nothing but the descriptors, and the running best of each row."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

COLUMNS = 8192
"""Candidates correlated at once. Fixed: the softmax sums run in this order."""
_EXACT = 53  # bits of a float64's mantissa


@dataclass(frozen=True)
class FixedPoint:
    """Vectors (n, C) as ``values * 2 ** exponents[:, None]`` with integer values."""

    values: Float
    exponents: NDArray[np.int32]


def fixed_point(vectors: NDArray[np.float32]) -> FixedPoint:
    """Round each vector (n, C) to integers so small that sums of C products are exact in float64.

    A matrix product then has the same bits in whatever order a library adds, on however many threads. The rounding
    is relative to a vector's largest element: 23 bits for C of 33 to 128, where float32 itself has 24.
    """
    bits = (_EXACT - math.ceil(math.log2(vectors.shape[1]))) // 2
    exact = vectors.astype(np.float64)
    largest = np.abs(exact).max(axis=1, initial=0.0)
    exponents = np.frexp(largest)[1].astype(np.int32) - np.int32(bits)
    return FixedPoint(np.rint(np.ldexp(exact, -exponents[:, None])), exponents)


def correlate(query: FixedPoint, context: FixedPoint) -> Float:
    """Every dot product (Q, N) of the vectors of ``query`` (Q, C) and ``context`` (N, C)."""
    exact: Float = query.values @ context.values.T
    scaled: Float = np.ldexp(exact, query.exponents[:, None] + context.exponents)
    return scaled


class Ranking:
    """The k best of each of ``rows`` rows seen so far, and the sum of exponentials over all that were seen."""

    def __init__(self, rows: int, k: int) -> None:
        self.names = np.full((rows, k), -1, np.int32)
        self.values = np.full((rows, k), -math.inf)
        self.total = np.zeros(rows)

    def add(self, names: NDArray[np.intp], values: Float) -> None:
        """Take in candidates ``names`` (n), in rising order, with ``values`` (rows, n); -inf is no candidate."""
        before = self.values[:, :1].copy()
        seen = np.concatenate([self.values, values], axis=1)
        called = np.concatenate([self.names, np.broadcast_to(names.astype(np.int32), values.shape)], axis=1)
        rows = np.arange(len(seen))
        for rank in range(self.names.shape[1]):
            # argmax takes the first of equals: what was kept stands in front, the rest rises.
            best = seen.argmax(axis=1)
            self.values[:, rank] = seen[rows, best]
            self.names[:, rank] = np.where(np.isfinite(self.values[:, rank]), called[rows, best], -1)
            seen[rows, best] = -math.inf
        top = _finite(self.values[:, :1])
        fade = np.exp(_finite(before) - top, where=np.isfinite(before), out=np.zeros_like(before))
        self.total = self.total * fade[:, 0] + np.exp(values - top).sum(axis=1)

    def scores(self) -> NDArray[np.float32]:
        """Softmax scores of the kept, (rows, k), over all that were seen; 0 for none."""
        weight = np.exp(self.values - _finite(self.values[:, :1]))
        return (weight / np.maximum(self.total, 1)[:, None]).astype(np.float32)


def _finite(values: Float) -> Float:
    return np.where(np.isfinite(values), values, 0.0)
