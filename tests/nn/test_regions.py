"""Regions at feature resolution, and the input's six channels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hdmatt_core.errors import UserError
from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.regions import downsample_regions, trimap_classes


@settings(max_examples=40)
@given(hnp.arrays(np.uint8, (2, 4, 8), elements=st.sampled_from([0, 128, 255])))
def test_a_cell_follows_the_rule(trimap: np.ndarray) -> None:
    regions = downsample_regions(trimap, stride=2)
    for index in np.ndindex(regions.shape):
        b, y, x = index
        cell = trimap[b, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
        want = 1 if (cell == 128).any() else 2 if (cell == 255).sum() >= 2 else 0
        assert regions[index] == want


def test_one_unknown_pixel_makes_a_cell_unknown() -> None:
    trimap = np.zeros((1, 16, 32), np.uint8)
    trimap[0, 15, 31] = 128
    assert downsample_regions(trimap).tolist() == [[[0, 1]]]


def test_messy_trimaps_are_classified_by_range() -> None:
    assert trimap_classes(np.array([0, 84, 85, 169, 170, 255], np.uint8)).tolist() == [0, 0, 1, 1, 2, 2]


def test_a_size_that_does_not_divide_is_refused() -> None:
    with pytest.raises(UserError, match="multiple of 16"):
        downsample_regions(np.zeros((1, 16, 20), np.uint8))


def test_every_colour_dtype_gives_the_same_input() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), (2, 16, 16))
    x = make_input(rgb, trimap)
    assert x.shape == (2, 6, 16, 16)
    assert x.dtype == torch.float32
    assert torch.allclose(make_input(rgb.astype(np.uint16) * 257, trimap), x, atol=1e-5)
    assert torch.allclose(make_input(rgb.astype(np.float32) / 255, trimap), x, atol=1e-5)
    assert x[:, 3:].sum(dim=1).eq(1).all()
    assert np.array_equal(x[:, 3:].argmax(dim=1).numpy(), trimap_classes(trimap))
    white = make_input(np.full((1, 1, 1, 3), 255, np.uint8), np.zeros((1, 1, 1), np.uint8))
    assert white[0, :3, 0, 0].tolist() == pytest.approx([2.2489, 2.4286, 2.64], abs=1e-3)


@pytest.mark.filterwarnings("error")
def test_read_only_and_flipped_colour_is_taken() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3)).astype(np.uint8)
    trimap = np.zeros((1, 16, 16), np.uint8)
    rgb.flags.writeable = False
    flipped = make_input(rgb[:, :, ::-1], trimap)
    assert torch.equal(flipped.flip(3), make_input(rgb, trimap))


@pytest.mark.parametrize(
    ("rgb", "cure"), [(np.zeros((1, 3, 16, 16), np.uint8), "B, H, W, 3"), (np.zeros((1, 16, 16, 3), np.int32), "uint8")]
)
def test_odd_colour_is_refused(rgb: np.ndarray, cure: str) -> None:
    with pytest.raises(UserError, match=cure):
        make_input(rgb, np.zeros((1, 16, 16), np.uint8))
