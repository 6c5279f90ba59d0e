"""Skips as bytes: the pipeline always goes through this packing, so kept and recomputed skips give the same bits."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from hdmatt_core.errors import UserError
from hdmatt_core.nn.inputs import one_hot
from hdmatt_core.nn.layout import skips_bytes, skips_layout
from hdmatt_core.nn.presets import Preset
from hdmatt_core.nn.resnet import Skips

_DTYPES = {"float16": torch.float16, "float32": torch.float32, "uint8": torch.uint8}
_HALF_MAX = 65504.0


def pack_skips(skips: Skips) -> Tensor:
    """Pack skips into uint8 (B, n), n as `skips_bytes` says: activations and colour as float16, alpha in 8 bits."""
    activations = [_halved(part) for part in (skips.half, skips.quarter, skips.eighth)]
    places = [skips.place1, skips.place2, skips.place3]
    channels_last = [part.permute(0, 2, 3, 1) for part in (*activations, *places)]
    classes = (skips.x[:, 4] + 2 * skips.x[:, 5]).to(torch.uint8)
    planes = (skips.planes.float() * 255 + 0.5).to(torch.uint8)
    parts = [*channels_last, _halved(skips.x[:, :3]), classes, skips.lines.float(), planes]
    return torch.cat([part.contiguous().flatten(1).view(torch.uint8) for part in parts], dim=1)


def unpack_skips(packed: Tensor, preset: Preset, patch: int) -> Skips:
    """Undo `pack_skips` for square patches of `patch` px, as float32; raises UserError where the length is another."""
    if packed.ndim != 2 or packed.shape[1] != skips_bytes(preset, patch):
        want = f"(B, {skips_bytes(preset, patch)}) for {preset.name} at {patch} px"
        raise UserError(f"packed skips are {tuple(packed.shape)} instead of {want}; encode again")
    *channels_last, rgb, classes, lines, planes = _parts(packed, preset, patch)
    half, quarter, eighth, place1, place2, place3 = (part.permute(0, 3, 1, 2) for part in channels_last)
    x = torch.cat([rgb.float(), one_hot(classes[:, 0])], dim=1)
    return Skips(half.float(), quarter.float(), eighth.float(), place1, place2, place3, x, lines, planes.float() / 255)


def _parts(packed: Tensor, preset: Preset, patch: int) -> Iterator[Tensor]:
    start = 0
    for name, shape, size in skips_layout(preset, patch):
        end = start + math.prod(shape) * size
        # A slice of a row may start at an odd byte; only a copy can be viewed as float16.
        yield packed[:, start:end].contiguous().view(_DTYPES[name]).reshape(-1, *shape)
        start = end


def _halved(part: Tensor) -> Tensor:
    return part.clamp(-_HALF_MAX, _HALF_MAX).to(torch.float16)


def cast(skips: Skips, dtype: torch.dtype) -> Skips:
    """Return skips whose activations and input are of another dtype; the places stay uint8."""
    return Skips(*(part if part.dtype == torch.uint8 else part.to(dtype) for part in skips))
