"""A composed picture, whose matte is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.training.warp import Floats


@dataclass(frozen=True)
class Picture:
    """A composed picture: `rgb` (S, S, 3) uint8, `alpha` (S, S), `trimap` (S, S), `contrast` (S, S) = mean |F - B|."""

    rgb: NDArray[np.uint8]
    alpha: Floats
    trimap: NDArray[np.uint8]
    contrast: Floats
