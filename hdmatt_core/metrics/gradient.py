"""Gradient error: squared difference of gradient magnitudes under a Gaussian derivative of sigma 1.4 px."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hdmatt_core.metrics.sums import SCALE, Sums

HALO = 4
"""Half the kernel's side, px: what a tile must see around itself."""
_SIGMA = 1.4

Floats = NDArray[np.float64]


def _kernels() -> tuple[Floats, Floats]:
    """A 9-tap Gaussian and its derivative, each of L2 norm 1: their outer product is the 9 x 9 kernel of norm 1."""
    at = np.arange(-HALO, HALO + 1)
    bell = np.exp(-(at**2) / (2 * _SIGMA**2))
    slope = -at * bell
    return bell / np.linalg.norm(bell), slope / np.linalg.norm(slope)


_BELL, _SLOPE = _kernels()


def normalised(low: int, high: int) -> Floats:
    """What each of the 256 values becomes when a matte of values low..high is stretched to 0..1; 0 for a flat one."""
    return (np.arange(256) - low) / max(high - low, 1)


def magnitude(values: NDArray[np.uint8], table: Floats) -> Floats:
    """Gradient magnitude (H, W) of a matte, its values looked up in ``table``; its border is replicated."""
    alpha = table[values]
    across = _filtered(alpha, _SLOPE, _BELL)
    along = _filtered(alpha, _BELL, _SLOPE)
    return np.hypot(across, along, out=along)


def _filtered(alpha: Floats, over_x: Floats, over_y: Floats) -> Floats:
    rows = ndimage.correlate1d(alpha, over_x, axis=1, mode="nearest")
    filtered: Floats = ndimage.correlate1d(rows, over_y, axis=0, mode="nearest")
    return filtered


def gradient_sums(prediction: Floats, truth: Floats, unknown: NDArray[np.bool_]) -> Sums:
    """The error of magnitudes (H, W) over the unknown pixels, each rounded to a whole number of 2^-36."""
    error = np.square(prediction - truth, where=unknown, out=np.zeros(truth.shape))
    steps = np.rint(np.ldexp(error, SCALE)).astype(np.int64)
    return Sums(gradient=sum(steps.sum(axis=1).tolist()))
