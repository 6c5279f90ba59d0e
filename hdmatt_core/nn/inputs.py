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


def make_input(rgb: NDArray[Any], trimap: NDArray[Any], device: torch.device | str = "cpu") -> Tensor:
    """Turn colour (B, H, W, 3), uint8, uint16 or float in [0, 1], and a trimap (B, H, W) into (B, 6, H, W) float32.

    Channels: RGB normalised by ImageNet's mean and deviation, then background, unknown, foreground as 0 or 1.
    On `device`. Raises UserError for any other shape or dtype.
    """
    if rgb.ndim != 4 or rgb.shape[3] != 3 or rgb.shape[:3] != trimap.shape:
        raise UserError(f"colour {rgb.shape} and trimap {trimap.shape} do not fit; give (B, H, W, 3) and (B, H, W)")
    if rgb.dtype.name not in _RANGE:
        raise UserError(f"colour of dtype {rgb.dtype} is not known; give uint8, uint16 or float in [0, 1]")
    classes = torch.from_numpy(trimap_classes(trimap))
    return input_of(_planes(rgb, device), _RANGE[rgb.dtype.name], classes.to(device))


def _planes(rgb: NDArray[Any], device: torch.device | str) -> Tensor:
    """Colour (B, H, W, 3) as (B, 3, H, W) on a device; bytes travel as such and become numbers there.

    Through numpy: torch takes neither read-only arrays nor negative strides, and a decoder or a flip gives both.
    """
    if rgb.dtype == np.uint8 and torch.device(device).type != "cpu":
        return torch.from_numpy(np.array(rgb)).to(device).permute(0, 3, 1, 2)
    colour = torch.empty((len(rgb), 3, *rgb.shape[1:3]))
    np.copyto(colour.numpy(), rgb.transpose(0, 3, 1, 2), casting="same_kind")
    return colour.to(device)


def input_of(colour: Tensor, most: float, classes: Tensor) -> Tensor:
    """`make_input` of colour (B, 3, H, W) in 0..most and trimap classes (B, H, W) of 0, 1 and 2, where they lie."""
    x = torch.empty((len(colour), 6, *colour.shape[2:]), device=colour.device)
    x[:, :3] = colour
    x[:, :3] *= torch.from_numpy(1 / (np.float32(most) * _STD)).to(x.device)[:, None, None]
    x[:, :3] -= torch.from_numpy(_MEAN / _STD).to(x.device)[:, None, None]
    x[:, 3:] = one_hot(classes)
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
    planes = torch.empty((len(classes), 3, *classes.shape[1:]), device=classes.device)
    for plane, region in zip(planes.unbind(1), (BACKGROUND, UNKNOWN, FOREGROUND), strict=True):
        torch.eq(classes, region, out=plane)  # a tenth of the time of bytes that become numbers
    return planes
