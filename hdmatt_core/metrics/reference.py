"""The metrics of mattes in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.metrics.connectivity import connectivity_sums, levels
from hdmatt_core.metrics.gradient import gradient_sums, magnitude, normalised
from hdmatt_core.metrics.planes import Bytes, check_shapes, eight_bit, pinned, three_values
from hdmatt_core.metrics.sums import Score, differences


def score(prediction: NDArray[Any], truth: NDArray[Any], trimap: NDArray[Any]) -> Score:
    """SAD, MSE, Grad and Conn of a matte (H, W) against the truth; uint8, uint16 or float 0..1, trimap 0, 128, 255.

    Raises UserError where the sizes differ.
    """
    check_shapes(prediction.shape, truth.shape, trimap.shape)
    true, known = eight_bit(truth), three_values(eight_bit(trimap))
    given = pinned(eight_bit(prediction), known)
    unknown = known == 128
    sums = (
        differences(given, true, unknown)
        + gradient_sums(_gradient(given), _gradient(true), unknown)
        + connectivity_sums(given, true, levels(np.minimum(given, true)), unknown)
    )
    return sums.score()


def _gradient(matte: Bytes) -> NDArray[np.float64]:
    return magnitude(matte, normalised(int(matte.min()), int(matte.max())))
