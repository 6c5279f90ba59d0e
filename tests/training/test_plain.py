"""Plain pictures: as large as they are, as they were drawn, with trimaps that say nothing untrue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.training.bands import BANDS, Band, draw_trimap
from hdmatt_core.training.compose import Composer
from hdmatt_core.training.config import Mix
from hdmatt_core.training.cutout import Cutout
from hdmatt_core.training.material import load_library
from hdmatt_core.training.placing import Layer, cover
from hdmatt_core.training.plain import plain_picture
from hdmatt_core.training.procedural import render


@pytest.fixture(scope="module")
def composer(index: Path) -> Composer:
    glass = render("glass", 128, np.random.default_rng(1))
    return Composer(load_library(index, "train", 200), lambda rng: glass, Mix(), plain=1.0)


@pytest.mark.parametrize("seed", range(8))
def test_every_soft_pixel_is_unknown_and_something_of_both_is_known(composer: Composer, seed: int) -> None:
    picture = composer.picture(128, np.random.default_rng(seed))
    assert picture.rgb.shape == (128, 128, 3)
    assert (picture.alpha[picture.trimap == 255] == 1).all()
    assert (picture.alpha[picture.trimap == 0] == 0).all()
    assert np.array_equal(picture.alpha * 255, np.round(picture.alpha * 255))
    assert {0, 128, 255} == set(np.unique(picture.trimap))


def test_plain_pictures_need_a_thing_to_show(index: Path) -> None:
    mix = Mix(photo=0, cutout=0, procedural=0, field=1)
    Composer(load_library(index, "train", 200), None, mix)
    with pytest.raises(UserError, match="give one a share in mix"):
        Composer(load_library(index, "train", 200), None, mix, plain=0.5)


def test_a_piece_of_the_canvas_s_size_is_as_it_was_drawn() -> None:
    piece = render("web", 96, np.random.default_rng(2))
    drawn = np.asarray(piece.alpha, np.float32) / 255
    mirrored = set()
    for seed in range(8):
        layer = cover(piece, 96, np.random.default_rng(seed))
        assert layer is not None
        flipped = not np.allclose(layer.alpha, drawn, atol=1e-4)
        assert np.allclose(layer.alpha, drawn[:, ::-1] if flipped else drawn, atol=1e-4)
        mirrored.add(flipped)
    assert mirrored == {False, True}


def test_a_long_photograph_covers_the_canvas_and_a_small_one_is_not_enlarged() -> None:
    whole = Cutout(Image.new("RGB", (300, 200), (9, 9, 9)), Image.new("L", (300, 200), 255))
    for seed in range(8):
        layer = cover(whole, 64, np.random.default_rng(seed))
        assert layer is not None
        assert (layer.alpha > 0.9999).all()
    assert cover(whole, 280, np.random.default_rng(0)) is None


def test_smoke_alone_makes_no_plain_picture() -> None:
    layer = Layer(np.full((3, 64, 64), 0.5, np.float32), np.full((64, 64), 0.4, np.float32))
    assert plain_picture(layer, np.zeros((3, 64, 64), np.float32), np.random.default_rng(0)) is None


@given(seed=st.integers(0, 2**32), band=st.sampled_from(BANDS), opaque=st.booleans())
@settings(max_examples=25)
def test_trimaps_never_claim_what_is_not(seed: int, band: Band, opaque: bool) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:90, :120]
    alpha = np.clip((30 - np.hypot(y - 45, x - 60)) * rng.uniform(12, 60), 0, 255 if opaque else 200).astype(np.uint8)
    trimap = draw_trimap(alpha, band, rng)
    if not opaque:
        assert trimap is None
        return
    assert trimap is not None
    assert (alpha[trimap == 0] == 0).all()
    assert (alpha[trimap == 255] == 255).all()
    assert {0, 128, 255} == set(np.unique(trimap))
