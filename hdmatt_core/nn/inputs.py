"""The network's input: normalised colour and a one-hot trimap in six channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdmatt_core.errors import UserError
from hdmatt_core.nn.regions import BACKGROUND, FOREGROUND, UNKNOWN, trimap_classes

# ImageNet's, so that a trunk trained there fits.
_MEAN = np.array((0.485, 0.456, 0.406), np.float32)
_STD = np.array((0.229, 0.224, 0.225), np.float32)
_RANGE = {"uint8": 255.0, "uint16": 65535.0, "float16": 1.0, "float32": 1.0, "float64": 1.0}


def make_input(rgb: NDArray[Any], trimap: NDArray[Any]) -> Tensor:
    """Turn colour (B, H, W, 3), uint8, uint16 or float in [0, 1], and a trimap (B, H, W) into (B, 6, H, W) float32.

    Channels: RGB normalised by ImageNet's mean and deviation, then background, unknown, foreground as 0 or 1.
    Raises UserError for any other shape or dtype.
    """
    if rgb.ndim != 4 or rgb.shape[3] != 3 or rgb.shape[:3] != trimap.shape:
        raise UserError(f"colour {rgb.shape} and trimap {trimap.shape} do not fit; give (B, H, W, 3) and (B, H, W)")
    if rgb.dtype.name not in _RANGE:
        raise UserError(f"colour of dtype {rgb.dtype} is not known; give uint8, uint16 or float in [0, 1]")
    x = torch.empty((len(rgb), 6, *rgb.shape[1:3]))
    # Through numpy: torch takes neither read-only arrays nor negative strides, and a decoder or a flip gives both.
    np.copyto(x.numpy()[:, :3], rgb.transpose(0, 3, 1, 2), casting="same_kind")
    x[:, :3] *= torch.from_numpy(1 / (_RANGE[rgb.dtype.name] * _STD))[:, None, None]
    x[:, :3] -= torch.from_numpy(_MEAN / _STD)[:, None, None]
    x[:, 3:] = one_hot(torch.from_numpy(trimap_classes(trimap)))
    return x


def normalised(colour: Tensor, weight: Tensor) -> Tensor:
    """Normalise colour (B, 3, h, w) in 0..1 that was multiplied by a weight (B, 1, h, w)."""
    mean, std = (torch.from_numpy(value).to(colour.device)[:, None, None] for value in (_MEAN, _STD))
    return (colour - mean * weight) / std


def coloured(x: Tensor) -> Tensor:
    """Undo the normalisation of colour (B, 3, h, w)."""
    mean, std = (torch.from_numpy(value).to(x.device)[:, None, None] for value in (_MEAN, _STD))
    return x * std + mean


def one_hot(classes: Tensor) -> Tensor:
    """Turn trimap classes (B, H, W) of 0, 1 and 2 into (B, 3, H, W) float32."""
    return torch.stack([classes == region for region in (BACKGROUND, UNKNOWN, FOREGROUND)], dim=1).float()
