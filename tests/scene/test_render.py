"""Every pixel of a scene is a function of its place, and its truth is true."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.scene import Picture, Scene
from hdmatt_core.scene.thing import Kind

SHAPE = (520, 700)
SEEDS = (0, 7)


@cache
def drawn(seed: int, noise: float = 0.0, shape: tuple[int, int] = SHAPE) -> Picture:
    return Scene(shape, seed, 0.15, noise).render(Box((0, 0), shape))


@settings(max_examples=12)
@given(
    tile=st.tuples(st.integers(90, 600), st.integers(90, 800)),
    seed=st.sampled_from(SEEDS),
    noise=st.sampled_from([0.0, 3.0]),
    order=st.randoms(use_true_random=False),
)
def test_tiles_of_any_size_in_any_order_have_the_same_pixels(tile, seed, noise, order) -> None:
    scene, whole = Scene(SHAPE, seed, 0.15, noise), drawn(seed, noise)
    boxes = list(blocks_of(SHAPE, tile))
    order.shuffle(boxes)
    for box in boxes:
        for name, plane in scene.render(box)._asdict().items():
            np.testing.assert_array_equal(plane, getattr(whole, name)[box.slices], err_msg=f"{name} of {box}")


@settings(max_examples=15)
@given(y=st.integers(0, 500), x=st.integers(0, 680), seed=st.sampled_from(SEEDS))
def test_a_box_anywhere_has_the_same_pixels(y: int, x: int, seed: int) -> None:
    box = Box((y, x), (min(y + 33, SHAPE[0]), min(x + 41, SHAPE[1])))
    for plane, whole in zip(Scene(SHAPE, seed, 0.15).render(box), drawn(seed), strict=True):
        np.testing.assert_array_equal(plane, whole[box.slices])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_trimap_knows_only_what_is_certain(seed: int) -> None:
    picture = drawn(seed)
    assert set(np.unique(picture.trimap)) == {0, 128, 255}
    assert (picture.alpha[picture.trimap == 0] == 0).all()
    assert (picture.alpha[picture.trimap == 255] == 255).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_unknown_regions_hold_object_background_and_mixtures(seed: int) -> None:
    alpha = drawn(seed).alpha[drawn(seed).trimap == 128]
    for share in ((alpha == 0).mean(), (alpha == 255).mean(), ((alpha > 0) & (alpha < 255)).mean()):
        assert share > 0.05


@pytest.mark.parametrize("unknown", [0.02, 0.05, 0.15])
def test_about_as_much_is_unknown_as_was_asked_for(unknown: float) -> None:
    shape = (1024, 1024)
    trimap = Scene(shape, 5, unknown).render(Box((0, 0), shape)).trimap
    assert (trimap == 128).mean() == pytest.approx(unknown, rel=0.1)


def test_seeds_and_noise_change_pixels_but_noise_changes_no_truth() -> None:
    assert (drawn(0).image != drawn(7).image).mean() > 0.5
    noisy, clean = drawn(0, 3.0), drawn(0)
    difference = noisy.image.astype(float) - clean.image
    assert difference.std() == pytest.approx(3, rel=0.1)
    assert abs(difference.mean()) < 0.1
    np.testing.assert_array_equal(noisy.alpha, clean.alpha)
    np.testing.assert_array_equal(noisy.trimap, clean.trimap)


def test_a_thicket_stands_before_a_ground_that_is_known_elsewhere_and_not_beside_it() -> None:
    scene = Scene((8192, 8192), 7)
    things = {thing.kind: thing for thing in scene.world.things.values()}
    thicket, hair = things[Kind.THICKET], things[Kind.HAIR]
    assert thicket.ground in scene.world.grounds
    y, x = (int(c // size) for c, size in zip(thicket.outline.centre, scene.world.field, strict=True))
    assert thicket.ground is not scene.world.grounds[scene.world.fields[y, x]]
    assert thicket.figure is hair.figure
    assert thicket.outline.radius > 2 * 320


def test_a_thicket_is_wholly_unknown_and_covered_about_half() -> None:
    scene = Scene((4096, 4096), 7)
    thicket = next(thing for thing in scene.world.things.values() if thing.kind is Kind.THICKET)
    y, x = thicket.outline.centre
    picture = scene.render(Box((y - 150, x - 150), (y + 150, x + 150)))
    assert (picture.trimap == 128).all()
    assert 0.15 < picture.alpha.mean() / 255 < 0.85
