"""Things lie within the picture, apart from one another, and their areas are what was promised."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.scene.growth import strokes_of
from hdmatt_core.scene.thing import Kind
from hdmatt_core.scene.world import build

SHAPES = st.sampled_from([(256, 256), (700, 400), (4096, 4096), (8192, 20000), (32768, 32768)])


@settings(max_examples=40)
@given(shape=SHAPES, seed=st.integers(0, 999), unknown=st.sampled_from([0.005, 0.05, 0.15]))
def test_things_lie_within_the_picture_and_apart(shape: tuple[int, int], seed: int, unknown: float) -> None:
    world = build(shape, seed, unknown)
    things = world.things.values()
    assert {thing.kind for thing in things} == set(Kind)
    for thing in things:
        assert thing.box.within(shape) == thing.box
        assert list(world.near(Box(thing.outline.centre, tuple(c + 1 for c in thing.outline.centre)))) == [thing]
        around = Box(tuple(a + 2 for a in thing.box.start), tuple(b - 2 for b in thing.box.stop))
        assert list(world.near(around)) == [thing]
    for one, other in itertools.combinations(things, 2):
        assert one.box.intersection(other.box).empty


@pytest.mark.parametrize("kind", Kind)
def test_the_area_of_a_thing_is_that_of_its_pixels(kind: Kind) -> None:
    thing = next(t for t in build((4096, 4096), 3, 0.05).things.values() if t.kind is kind)
    heights = thing.outline.heights(thing.box)
    unknown = (heights < thing.outer) & (heights > (-1e9 if thing.inner is None else -thing.inner))
    assert unknown.sum() == pytest.approx(thing.unknown, rel=2e-3)


def test_the_unknown_adds_up() -> None:
    world = build((32768, 32768), 7, 0.05)
    assert sum(t.unknown for t in world.things.values()) + 40 * world.strands == pytest.approx(0.05 * 32768**2)
    assert world.strands > 0


def test_neighbouring_fields_differ() -> None:
    fields = build((32768, 32768), 7, 0.05).fields
    assert (np.diff(fields, axis=0) != 0).all()
    assert (np.diff(fields, axis=1) != 0).all()


def test_strokes_stay_within_the_unknown() -> None:
    for thing in build((2048, 2048), 1, 0.1).things.values():
        strokes = strokes_of(thing)
        if strokes is None:
            assert thing.kind is Kind.SMOKE
            continue
        heights = thing.outline.heights(thing.box)
        known = heights >= thing.outer if thing.inner is None else (heights >= thing.outer) | (heights <= -thing.inner)
        keys = strokes.draw(thing.box)
        assert (keys > 0).sum() > 1000
        assert not keys[known].any()


@pytest.mark.parametrize("unknown", [0, -1, 0.5, float("nan")])
def test_a_share_that_cannot_be_is_refused(unknown: float) -> None:
    with pytest.raises(UserError, match="--unknown"):
        build((1024, 1024), 0, unknown)


def test_a_box_outside_a_thing_meets_none_of_it() -> None:
    thing = next(t for t in build((4096, 4096), 3, 0.05).things.values() if t.kind is Kind.THICKET)
    strokes = strokes_of(thing)
    assert strokes is not None
    far = Box((thing.box.stop[0] + 200, thing.box.start[1]), (thing.box.stop[0] + 300, thing.box.stop[1]))
    assert not strokes.draw(far).any()
