"""foreground.blurfusion: the published steps on the whole image, tiles that equal it, colours of known scenes."""

from __future__ import annotations

import numpy as np
import pytest
from hdmatt_images.depth import converted
from hdmatt_stages import BlurFusion, foreground
from hdmatt_stages.boxsum import box_sums
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array, Target
from hdmatt_core.testing import given as image_given
from hdmatt_core.testing import run_stage, scene


def cut_out(image: Array, alpha: Array, box: Box | None = None, **params: int) -> Array:
    inputs = {"image": image_given(image), "alpha": image_given(alpha)}
    return run_stage(BlurFusion(BlurFusion.Params(**params)), inputs, Target(box) if box else None)["cutout"]


def published(image: Array, alpha: Array, sides: tuple[int, int]) -> Array:
    """The two steps in floating point over the whole image."""
    weight = alpha[..., None].astype(np.float64)
    front = behind = image.astype(np.float64)
    for side in sides:
        window = (2 * (side // 2) + 1,) * 2 + (1,)
        blurred = uniform_filter(front * weight, window, mode="mirror") / (
            uniform_filter(weight, window, mode="mirror") + 1e-5
        )
        behind = uniform_filter(behind * (1 - weight), window, mode="mirror") / (
            uniform_filter(1 - weight, window, mode="mirror") + 1e-5
        )
        front = np.clip(blurred + weight * (image - weight * blurred - (1 - weight) * behind), 0, 1)
    return front


def test_colours_are_those_of_the_published_steps() -> None:
    made = scene(100, 120, seed=3)
    image = made.image.astype(np.float32) / 255
    got = cut_out(image, made.alpha, wide=30, narrow=6)
    want = published(image, made.alpha, (30, 6))
    # The sums are of 16-bit integers; black far from the foreground is where 1e-5 rules, so look at the near.
    near = uniform_filter(made.alpha, 7) > 1e-3
    np.testing.assert_allclose(got[..., :3][near], want[near], atol=2e-3)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_cutouts_alpha_is_the_matte_as_a_sink_writes_it(dtype: str) -> None:
    alpha = np.linspace(0, 1, 100_000, dtype=np.float32).reshape(250, 400)
    image = np.zeros((250, 400, 3), dtype)
    np.testing.assert_array_equal(cut_out(image, alpha)[..., 3], converted(alpha, dtype))


@settings(max_examples=12)
@given(st.integers(1, 70), st.integers(1, 70), st.data())
def test_any_tiling_gives_the_bits_of_the_whole(height: int, width: int, data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    image = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    alpha = np.clip(random.normal(0.5, 0.8, (height, width)), 0, 1).astype(np.float32)
    start = (data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1)))
    stop = (data.draw(st.integers(start[0] + 1, height)), data.draw(st.integers(start[1] + 1, width)))
    whole = cut_out(image, alpha, wide=21, narrow=5)
    part = cut_out(image, alpha, Box(start, stop), wide=21, narrow=5)
    np.testing.assert_array_equal(part, whole[Box(start, stop).slices])


def test_the_size_of_the_pieces_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene(90, 110)
    whole = cut_out(made.image, made.alpha, wide=15)
    monkeypatch.setattr(foreground, "PIECE", 32)
    np.testing.assert_array_equal(cut_out(made.image, made.alpha, wide=15), whole)


def test_the_old_background_leaves_the_hairs() -> None:
    made = scene(160, 200, seed=1)
    got = cut_out(made.image, made.alpha)[..., :3].astype(np.float64) / 255
    fringe = (made.alpha > 0.2) & (made.alpha < 0.8)
    before = np.abs(made.image / 255 - made.foreground)[fringe].mean()
    after = np.abs(got - made.foreground)[fringe].mean()
    assert after < 0.25 * before


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_known_pixels_and_alpha_keep_the_images_dtype(dtype: str) -> None:
    random = np.random.default_rng(0)
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    image = (random.uniform(0, 1, (40, 50, 3)) * top).astype(dtype)
    alpha = np.zeros((40, 50), np.float32)
    alpha[10:20, 10:20], alpha[20, 10:20] = 1, 0.25
    got = cut_out(image, alpha, wide=9, narrow=3)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got[10:20, 10:20, :3], image[10:20, 10:20])
    np.testing.assert_allclose(got[..., 3] / top, alpha, atol=1e-2 if dtype == "uint8" else 1e-4)
    assert not got[30:, 30:].any()


def test_alpha_of_0_and_1_alone_copies_and_blackens() -> None:
    image = np.random.default_rng(1).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    opaque = cut_out(image, np.ones((8, 8), np.float32))
    np.testing.assert_array_equal(opaque[..., :3], image)
    assert (opaque[..., 3] == 255).all()
    assert not cut_out(image, np.zeros((8, 8), np.float32)).any()


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 3))
def test_box_sums_are_sums_over_boxes(height: int, width: int, half: int) -> None:
    values = np.random.default_rng(0).integers(-(2**40), 2**40, (height + 2 * half, width + 2 * half))
    side = 2 * half + 1
    want = [[values[y : y + side, x : x + side].sum() for x in range(width)] for y in range(height)]
    np.testing.assert_array_equal(box_sums(values, half), want)


def test_sizes_that_differ_are_told() -> None:
    with pytest.raises(UserError, match="the image is 4 x 3 px, alpha 5 x 3 px"):
        cut_out(np.zeros((3, 4, 3), np.uint8), np.zeros((3, 5), np.float32))
