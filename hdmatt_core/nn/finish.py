"""The matte's last touch: where the network is not sure, alpha follows the colours of the pixels that it is sure of.

Not in the paper: closed form's Laplacian (Levin et al., 2008) once more, with what the network says as its prior.
"""

from __future__ import annotations

from torch import Tensor

from hdmatt_core.nn.laplacian import Laplacian
from hdmatt_core.nn.presets import COLOURS
from hdmatt_core.nn.solved import along, pinned
from hdmatt_core.nn.surroundings import surroundings

_ROUNDS, _STEPS, _LOWEST = 2, 4, 0.01
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
    laplacian, known = Laplacian(x[:, :COLOURS]), 1 - x[:, COLOURS + 1 : COLOURS + 2]
    for _ in range(_ROUNDS):
        alpha = pinned(x, alpha)
        trust = _UNSURE + _SURE * (2 * alpha - 1).abs() ** _POWER
        alpha = along(x[:, :COLOURS], laplacian.lines(known, alpha, trust, _STEPS, _LOWEST))
    return alpha
