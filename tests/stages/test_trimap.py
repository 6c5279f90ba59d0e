"""trimap.from_mask: discs by brute force, tiles that equal the whole, the rule for the band."""

from __future__ import annotations

import numpy as np
import pytest
from hdmatt_stages import FromMask, trimap
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array, Target
from hdmatt_core.testing import given as image_given
from hdmatt_core.testing import run_stage, scene


def made(mask: Array, box: Box | None = None, **params: int) -> Array:
    stage = FromMask(FromMask.Params(**params))
    return run_stage(stage, {"mask": image_given(mask)}, Target(box) if box else None)["trimap"]


def discs(mask: Array, erode: int, dilate: int) -> Array:
    """Every pixel against every other: unknown if one of the other side is near enough."""
    places = np.argwhere(np.ones_like(mask))
    apart = ((places[:, None] - places[None]) ** 2).sum(-1)
    flat = mask.ravel()
    across = flat[:, None] != flat[None]
    reach = np.where(flat, erode, dilate)[:, None] ** 2
    unknown = (across & (apart <= reach)).any(axis=1).reshape(mask.shape)
    return np.where(unknown, 128, np.where(mask, 255, 0)).astype(np.uint8)


masks = st.tuples(st.integers(1, 24), st.integers(1, 24), st.integers(0, 99), st.sampled_from([0.01, 0.5, 0.98]))


def random_mask(height: int, width: int, seed: int, share: float) -> Array:
    return np.random.default_rng(seed).uniform(size=(height, width)) < share


@settings(max_examples=30)
@given(masks, st.integers(0, 6), st.integers(0, 6))
def test_the_bands_are_discs(shape: tuple[int, int, int, float], erode: int, dilate: int) -> None:
    mask = random_mask(*shape)
    np.testing.assert_array_equal(made(mask, erode=erode, dilate=dilate), discs(mask, erode, dilate))


@settings(max_examples=20)
@given(masks, st.integers(0, 9), st.data())
def test_any_tiling_gives_the_whole(shape: tuple[int, int, int, float], band: int, data: st.DataObject) -> None:
    mask = random_mask(*shape)
    start = tuple(data.draw(st.integers(0, n - 1)) for n in mask.shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, mask.shape, strict=True))
    box = Box(start, stop)
    np.testing.assert_array_equal(made(mask, box, band=band), made(mask, band=band)[box.slices])


def test_the_size_of_the_pieces_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = scene(150, 200).alpha
    whole = made(mask, band=9)
    monkeypatch.setattr(trimap, "PIECE", 32)
    np.testing.assert_array_equal(made(mask, band=9), whole)
    assert set(np.unique(whole)) == {0, 128, 255}


@pytest.mark.parametrize(
    ("mask", "above"),
    [
        (np.array([[127, 128]], np.uint8), [[0, 255]]),
        (np.array([[32767, 32768]], np.uint16), [[0, 255]]),
        (np.array([[0.49, 0.5]], np.float32), [[0, 255]]),
        (np.array([[False, True]]), [[0, 255]]),
    ],
)
def test_half_of_the_range_divides(mask: Array, above: list[list[int]]) -> None:
    assert made(mask, band=0).tolist() == above


@pytest.mark.parametrize(
    ("shape", "band"), [((1, 1), 3), ((300, 500), 3), ((4000, 6000), 40), ((1080, 1920), 11), ((90000, 90000), 100)]
)
def test_the_automatic_band_is_a_hundredth_of_the_shorter_side(shape: tuple[int, int], band: int) -> None:
    assert trimap.auto_band(shape) == band


def test_the_automatic_band_is_the_default_and_goes_by_the_whole_mask() -> None:
    mask = np.zeros((400, 900), bool)
    mask[:, 450:] = True
    assert (made(mask) == made(mask, band=4)).all()
    assert (made(mask, Box((0, 440), (10, 460))) == made(mask, band=4)[:10, 440:460]).all()
