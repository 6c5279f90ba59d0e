"""Pooling that remembers, unpooling without scatter, skips as bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from hdmatt_core.errors import UserError
from hdmatt_core.nn.layout import skips_bytes
from hdmatt_core.nn.network import HDMatt
from hdmatt_core.nn.pooling import pool, unpool
from hdmatt_core.nn.presets import PRESETS
from hdmatt_core.nn.skips import cast, pack_skips, unpack_skips

Patches = Callable[..., tuple[torch.Tensor, torch.Tensor]]


def test_pooling_agrees_with_torchs_own() -> None:
    x = torch.randn(2, 3, 8, 6)
    top, place = pool(x)
    want, flat = F.max_pool2d(x, 2, return_indices=True)
    assert torch.equal(top, want)
    assert torch.equal(place.long(), (flat // 6 % 2) * 2 + flat % 6 % 2)
    assert torch.equal(unpool(top, place), F.max_unpool2d(want, flat, 2))


def test_a_tie_goes_to_the_lowest_place() -> None:
    assert pool(torch.zeros(1, 1, 2, 2))[1].item() == 0
    assert pool(torch.tensor([[[[0.0, 1.0], [1.0, 1.0]]]]))[1].item() == 1


@torch.no_grad()
def test_packed_skips_come_back(model: HDMatt, patches: Patches) -> None:
    x, _ = patches(2, 64)
    skips = model.encoder(x)[1]
    packed = pack_skips(skips)
    assert packed.dtype == torch.uint8
    assert packed.shape == (2, skips_bytes(model.preset, 64))
    back = unpack_skips(packed, model.preset, 64)
    for name, value, again in zip(skips._fields, skips, back, strict=True):
        assert value.shape == again.shape
        rounded = value.is_floating_point() and name not in ("lines", "planes")
        if name == "planes":
            assert (again - value).abs().max() <= 0.5 / 255 + 1e-6
        else:
            assert torch.equal(again, value.half().float() if rounded else value), name
    # A second round changes nothing: recomputed and kept skips are the same bits.
    assert torch.equal(pack_skips(back), packed)
    assert cast(back, torch.bfloat16).half.dtype == torch.bfloat16
    assert cast(back, torch.bfloat16).place1.dtype == torch.uint8


def test_skips_of_the_small_preset_stay_small() -> None:
    assert skips_bytes(PRESETS["hdmatt-s"], 320) == 3_696_080


def test_packed_skips_of_another_size_are_refused() -> None:
    with pytest.raises(UserError, match="encode again"):
        unpack_skips(torch.zeros(1, 100, dtype=torch.uint8), PRESETS["hdmatt-s"], 320)
