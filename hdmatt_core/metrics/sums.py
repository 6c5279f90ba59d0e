"""Errors as whole numbers, so that the sum over tiles is that over the image, to the bit."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

METRICS = ("sad", "mse", "grad", "conn")
"""The errors' names, in the order in which papers print them."""

SCALE = 36
"""A squared gradient error is counted in steps of 2^-36: some 1e-11, where printed figures end at 1e-7."""
PARTS = 2550
"""A connectivity error is a whole number of 1/2550: alpha is one of 1/255, a threshold one of 1/10."""


@dataclass(frozen=True)
class Score:
    """SAD, Grad and Conn in thousands, MSE per pixel, over so many unknown pixels; all 0 where none is unknown."""

    sad: float
    mse: float
    grad: float
    conn: float
    unknown: int


@dataclass(frozen=True)
class Sums:
    """Sums over unknown pixels: their number, |P-T|, (P-T)^2, gradient error in 2^-36, connectivity in 1/2550."""

    unknown: int = 0
    absolute: int = 0
    squared: int = 0
    gradient: int = 0
    connectivity: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def score(self) -> Score:
        """The figures as papers print them."""
        return Score(
            sad=self.absolute / 255 / 1000,
            mse=self.squared / 255**2 / max(self.unknown, 1),
            grad=self.gradient / 2**SCALE / 1000,
            conn=self.connectivity / PARTS / 1000,
            unknown=self.unknown,
        )


def differences(prediction: NDArray[np.uint8], truth: NDArray[np.uint8], unknown: NDArray[np.bool_]) -> Sums:
    """Count, |P-T| and (P-T)^2 over the unknown pixels of arrays (H, W)."""
    error = prediction[unknown].astype(np.int64) - truth[unknown]
    return Sums(unknown=error.size, absolute=int(np.abs(error).sum()), squared=int(np.square(error).sum()))
