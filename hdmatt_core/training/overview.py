"""The overview in training: the whole picture, reduced, is matted first, and its patches are told of what was seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from hdmatt_core.nn.presets import OVERVIEW
from hdmatt_core.training.compose import Picture
from hdmatt_core.training.warp import Floats

_UNKNOWN, _FOREGROUND = 128, 255
_SEEN = 2  # the plane of evidence that an overview fills


def reduced(picture: Picture) -> Picture:
    """The picture with sides of 1/OVERVIEW: means, and a trimap that knows only what all of its pixels are."""
    squares = _squares(picture.trimap)
    known = np.where((squares == _FOREGROUND).all(axis=(1, 3)), _FOREGROUND, _UNKNOWN)
    return Picture(
        rgb=(_squares(picture.rgb).mean(axis=(1, 3)) + 0.5).astype(np.uint8),
        alpha=_mean(picture.alpha),
        trimap=np.where((squares == 0).all(axis=(1, 3)), 0, known).astype(np.uint8),
        contrast=_mean(picture.contrast),
    )


def enlarged(alpha: Tensor) -> Tensor:
    """Interpolate alpha (I, 1, h, w) of overviews to the pictures' own pixels (I, 1, OVERVIEW h, OVERVIEW w)."""
    return F.interpolate(alpha, scale_factor=float(OVERVIEW), mode="bilinear", align_corners=False)


def told(planes: Tensor, alpha: Tensor, places: Tensor) -> Tensor:
    """Return planes (n, 4, P, P) of evidence that hold what an overview's alpha (I, 1, h, w) says of patches.

    `places` (n, 3) are each patch's picture, -1 where it is not to be told, and the corner (y, x) of the patch.
    """
    side, wide, planes = planes.shape[-1], enlarged(alpha), planes.clone()
    for row, (picture, y, x) in enumerate(places.tolist()):
        if picture >= 0:
            planes[row, _SEEN] = wide[picture, 0, y : y + side, x : x + side]
    return planes


def _squares(plane: NDArray[Any]) -> NDArray[Any]:
    height, width = plane.shape[:2]
    return plane.reshape(height // OVERVIEW, OVERVIEW, width // OVERVIEW, OVERVIEW, *plane.shape[2:])


def _mean(plane: Floats) -> Floats:
    mean: Floats = _squares(plane).mean(axis=(1, 3), dtype=np.float32)
    return mean
