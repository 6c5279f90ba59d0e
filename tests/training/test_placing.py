"""Placement moves light; merging, likeness and the camera do what they say."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hdmatt_core.training.camera import lens, photograph
from hdmatt_core.training.cutout import Cutout
from hdmatt_core.training.placing import Layer, fitting_scale, merged, place
from hdmatt_core.training.similar import alike, clothed


def _square(size: int = 100, side: int = 20) -> Cutout:
    alpha = np.zeros((size, size), np.uint8)
    alpha[40 : 40 + side, 40 : 40 + side] = 255
    return Cutout(Image.new("RGB", (size, size), (200, 10, 10)), Image.fromarray(alpha))


def test_placing_keeps_a_soft_pixel_in_view() -> None:
    for seed in range(10):
        placed = place(_square(), 64, 0.5 + 0.1 * seed, np.random.default_rng(seed))
        assert placed.alpha.shape == (64, 64)
        assert placed.alpha.max() > 0.4
        assert placed.alpha.min() < 0.6


@pytest.mark.parametrize("scale", [0.13, 0.3, 0.7, 1.2])
def test_placing_scales_light_whatever_the_level(scale: float) -> None:
    cutout = _square(200, 100)
    for seed in range(6):
        layer = place(cutout, 512, scale, np.random.default_rng(seed), (0.5, 0.5))
        assert layer.alpha[[0, -1]].max() == 0
        assert layer.alpha.sum() == pytest.approx((100 * scale) ** 2, rel=0.04)


def test_placing_weighs_colour_by_alpha_and_leaves_none_undefined() -> None:
    """Opaque red beside invisible green: no green bleeds into the edge, however much it is shrunk."""
    alpha = np.zeros((256, 256), np.uint8)
    alpha[64:192:2, 64:192] = 255
    colour = np.zeros((256, 256, 3), np.uint8)
    colour[..., 1] = 255
    colour[alpha == 255] = (255, 0, 0)
    cutout = Cutout(Image.fromarray(colour), Image.fromarray(alpha))
    for seed, scale in enumerate((0.13, 0.2, 0.4)):
        layer = place(cutout, 96, scale, np.random.default_rng(seed))
        seen = layer.alpha > 0.1
        # Recolouring treats all pixels alike, so that one colour stays one colour.
        assert layer.colour[:, seen].std(axis=1).max() < 0.02
        assert np.isfinite(layer.colour).all()


def test_a_cutout_out_of_view_leaves_nothing() -> None:
    layer = place(_square(), 64, 0.5, np.random.default_rng(0), (30.0, 30.0))
    assert not layer.alpha.any()


def test_small_cutouts_are_not_blown_up() -> None:
    assert max(fitting_scale(_square(), 768, np.random.default_rng(seed)) for seed in range(50)) <= 1.3
    assert min(fitting_scale(_square(1000), 768, np.random.default_rng(seed)) for seed in range(50)) < 0.6


def test_half_sizes_average_light() -> None:
    colour, alpha = np.zeros((64, 66, 3), np.uint8), np.zeros((64, 66), np.uint8)
    colour[::2], alpha[::2] = 200, 255
    half = Cutout(Image.fromarray(colour), Image.fromarray(alpha)).smaller(1)
    assert half.shape == (32, 33, 4)
    assert (half[..., :3] == 200).all()
    assert (half[..., 3] == 128).all()


@pytest.mark.parametrize(("size", "depth"), [(20, 1), (126, 1), (128, 2), (511, 4), (768, 4)])
def test_halving_ends_before_nothing_is_left(size: int, depth: int) -> None:
    cutout = _square(size, 10)
    assert cutout.depth == depth
    assert min(cutout.extent(depth)) == -(-size // 2**depth)


def test_merging_is_laying_over() -> None:
    rng = np.random.default_rng(0)
    top, below = (Layer(rng.random((3, 8, 8), np.float32), rng.random((8, 8), np.float32)) for _ in range(2))
    behind = rng.random((3, 8, 8))
    seen = below.alpha * below.colour + (1 - below.alpha) * behind
    seen = top.alpha * top.colour + (1 - top.alpha) * seen
    joined = merged(top, below)
    assert np.allclose(joined.alpha * joined.colour + (1 - joined.alpha) * behind, seen, atol=1e-6)


def test_alike_brings_colours_near_and_keeps_the_matte() -> None:
    rng = np.random.default_rng(1)
    alpha = np.tile(np.linspace(0, 1, 96), (96, 1)).astype(np.float32)
    colour = np.clip(rng.normal([[[0.9]], [[0.1]], [[0.2]]], 0.02, (3, 96, 96)), 0, 1).astype(np.float32)
    background = np.clip(rng.normal([[[0.3]], [[0.5]], [[0.6]]], 0.1, (3, 96, 96)), 0, 1).astype(np.float32)
    near = alike(Layer(colour, alpha), background, rng)
    before, after = (np.abs(part - background).mean() for part in (colour, near.colour))
    assert after < 0.8 * before
    assert near.colour[0].std() > colour[0].std()
    assert near.alpha is alpha


def test_clothes_keep_light_and_shade() -> None:
    colour = np.full((3, 64, 64), 0.4, np.float32)
    colour[:, :, :32] = 0.2
    worn = clothed(Layer(colour, np.ones((64, 64), np.float32)), np.full((3, 64, 64), 0.5, np.float32))
    assert worn.colour[0, 0, 0] == pytest.approx(0.5 * worn.colour[0, 0, 63], rel=0.01)


def test_a_camera_changes_pixels_a_little() -> None:
    light = np.stack([np.tile(np.linspace(0.1, 0.9, 64), (64, 1))] * 3).astype(np.float32)
    taken = [photograph(light, np.random.default_rng(seed)) for seed in range(40)]
    errors = np.array([np.abs(pixels / 255 - light.transpose(1, 2, 0)).mean() for pixels in taken])
    assert {pixels.shape for pixels in taken} == {(64, 64, 3)}
    assert (errors < 0.04).all()
    assert (errors < 0.003).any()
    assert (errors > 0.01).any()


def test_a_lens_blurs_now_and_then_and_alpha_with_the_rest() -> None:
    sharp = np.random.default_rng(2).random((5, 32, 32), dtype=np.float32)
    seen = [lens(sharp, np.random.default_rng(seed)) for seed in range(40)]
    blurred = [planes for planes in seen if not np.array_equal(planes, sharp)]
    assert 0 < len(blurred) < 15
    assert all((planes.std(axis=(1, 2)) < sharp.std(axis=(1, 2))).all() for planes in blurred)
