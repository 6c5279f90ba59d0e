"""The overview in training: the whole picture, reduced, is matted first, and its patches are told of what was seen."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from hdmatt_core.nn.presets import OVERVIEW
from hdmatt_core.nn.reduction import reduced_mean, reduced_trimap
from hdmatt_core.training.picture import Picture

_SEEN = 2  # the plane of evidence that an overview fills


def reduced(picture: Picture) -> Picture:
    """The picture with sides of 1/OVERVIEW."""
    rgb, alpha, contrast = (reduced_mean(plane, OVERVIEW) for plane in (picture.rgb, picture.alpha, picture.contrast))
    return Picture(rgb, alpha, reduced_trimap(picture.trimap, OVERVIEW), contrast)


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
