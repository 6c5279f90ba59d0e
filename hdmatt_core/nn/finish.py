"""The matte's last touch: where the network is not sure, alpha follows the colours of the pixels that it is sure of.

Not in the paper: first the two colours beside each pixel, then closed form's Laplacian (Levin et al., 2008) once more,
with what has been found as its prior.
"""

from __future__ import annotations

from torch import Tensor

from hdmatt_core.nn.between import between
from hdmatt_core.nn.laplacian import solve
from hdmatt_core.nn.presets import COLOURS
from hdmatt_core.nn.solved import along, pinned
from hdmatt_core.nn.surroundings import surroundings

_STEPS, _LOWEST = 8, 0.01
_UNSURE, _SURE, _POWER = 10.0, 5000.0, 16
"""Trust in alpha where it is 1/2, how much more where it is 0 or 1, and how fast it rises between."""


def finished(x: Tensor, alpha: Tensor) -> Tensor:
    """Return alpha (B, 1, H, W) of an input (B, 6, H, W), solved once more by the matting Laplacian at every pixel.

    What it was is the first estimate, believed the more the nearer it is to 0 or 1. On a processor each patch around
    what is unknown in it.
    """
    if x.device.type != "cpu":
        return pinned(x, touched(x, alpha))
    made = alpha.clone()
    for row, (rows, columns) in surroundings(x[:, COLOURS + 1]):
        at = (slice(row, row + 1), slice(None), rows, columns)
        made[at] = pinned(x[at], touched(x[at], alpha[at]))
    return made


def touched(x: Tensor, alpha: Tensor) -> Tensor:
    """`finished` of whole patches before the last clamp, for the loss; gradients reach `alpha` (B, 1, H, W)."""
    colour, known = x[:, :COLOURS], 1 - x[:, COLOURS + 1 : COLOURS + 2]
    alpha = pinned(x, between(colour, pinned(x, alpha)))
    trust = _UNSURE + _SURE * (2 * alpha - 1).abs() ** _POWER
    return along(colour, solve(colour, known, alpha, trust, _STEPS, _LOWEST))
