"""Composed pictures and trimaps keep their promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdmatt_core.errors import UserError
from hdmatt_core.nn.regions import downsample_regions
from hdmatt_core.training.batch import batch_of
from hdmatt_core.training.compose import Composer
from hdmatt_core.training.config import Mix, Phase
from hdmatt_core.training.cutout import spread_colour
from hdmatt_core.training.drawing import draw
from hdmatt_core.training.material import load_library
from hdmatt_core.training.procedural import render
from hdmatt_core.training.trimaps import random_trimap


@pytest.fixture(scope="module")
def composer(index: Path) -> Composer:
    hair = render("hair", 64, np.random.default_rng(0))
    return Composer(load_library(index, "train", 200), lambda rng: hair, Mix())


@pytest.mark.parametrize("seed", range(6))
def test_a_trimap_never_lies(composer: Composer, seed: int) -> None:
    picture = composer.picture(96, np.random.default_rng(seed))
    assert picture.rgb.shape == (96, 96, 3)
    assert picture.rgb.dtype == np.uint8
    assert set(np.unique(picture.trimap)) <= {0, 128, 255}
    assert (picture.alpha[picture.trimap == 255] >= 1 - 2.6 / 255).all()
    assert (picture.alpha[picture.trimap == 0] <= 2.6 / 255).all()
    assert picture.contrast.min() >= 0


def test_what_is_nowhere_opaque_mostly_comes_with_something_that_is(index: Path) -> None:
    smoke = render("smoke", 128, np.random.default_rng(1))
    assert (np.asarray(smoke.alpha) < 253).all()
    mix = Mix(photo=0, cutout=0, procedural=1, field=0)
    composer = Composer(load_library(index, "train", 200), lambda rng: smoke, mix, wild=False)
    opaque = [(composer.picture(96, np.random.default_rng(seed)).alpha > 0.99).any() for seed in range(24)]
    assert 12 <= sum(opaque) < 24


def test_the_same_seed_draws_the_same_picture(composer: Composer) -> None:
    one, two = (composer.picture(64, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.rgb, two.rgb)
    assert np.array_equal(one.trimap, two.trimap)


def test_a_known_picture_has_a_known_trimap() -> None:
    for value in (0.0, 1.0):
        trimap = random_trimap(np.full((32, 32), value, np.float32), np.random.default_rng(0), wild=False)
        assert (trimap == 255 * value).all()


def test_hidden_colour_is_replaced_by_its_neighbour() -> None:
    colour, alpha = np.zeros((1, 4, 3), np.uint8), np.array([[255, 0, 0, 0]], np.uint8)
    colour[0, 0], colour[0, 1:] = 90, 7
    assert (spread_colour(colour, alpha) == 90).all()


def test_a_batch_is_complete_and_contexts_stay_in_their_picture(composer: Composer) -> None:
    phase = Phase(until=1, patch=32, images=2, patches=3)
    for seed in range(5):
        batch = batch_of(draw(composer, phase, np.random.default_rng(seed)))
        assert batch.x.shape == (6, 6, 32, 32)
        assert batch.alpha.shape == batch.unknown.shape == batch.contrast.shape == (6, 1, 32, 32)
        assert batch.contexts.shape == (6, 2)
        trimap = np.array([0, 128, 255], np.uint8)[batch.x[:, 3:].argmax(dim=1).numpy()]
        assert np.array_equal(batch.regions.numpy(), downsample_regions(trimap))
        for row, chosen in enumerate(batch.contexts.tolist()):
            assert row not in chosen
            assert all(other == -1 or other // 3 == row // 3 for other in chosen)


def test_missing_data_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="check 'data'"):
        load_library(tmp_path / "none.json", "train", 100)
    (tmp_path / "index.json").write_text("[]")
    with pytest.raises(UserError, match="no background"):
        load_library(tmp_path / "index.json", "train", 100)


def test_a_veiled_patch_knows_nothing_and_weighs_little(composer: Composer) -> None:
    plain, veiled = (
        batch_of(draw(composer, Phase(until=1, patch=32, images=1, patches=4, veiled=share), np.random.default_rng(3)))
        for share in (0.0, 1.0)
    )
    assert veiled.x[:, 4].eq(1).all()
    assert veiled.regions.eq(1).all()
    assert veiled.alpha.equal(plain.alpha)
    assert veiled.unknown.equal(plain.unknown.clamp_min(0.25))
    assert set(plain.unknown.unique().tolist()) <= {0.0, 1.0}
