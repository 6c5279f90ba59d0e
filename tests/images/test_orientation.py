"""Windows through an orientation equal windows of the turned whole; the turns are those of EXIF."""

from __future__ import annotations

import numpy as np
import pytest
from hdmatt_images import orientation
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from hdmatt_core.geometry import Box

ALL = range(1, 9)


@st.composite
def _windows(draw: st.DrawFn) -> tuple[tuple[int, int], int, Box]:
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    turn = draw(st.sampled_from(ALL))
    sides = orientation.displayed_shape(shape, turn)
    start = tuple(draw(st.integers(0, n - 1)) for n in sides)
    stop = tuple(draw(st.integers(a + 1, n)) for a, n in zip(start, sides, strict=True))
    return shape, turn, Box(start, stop)


@given(_windows())
def test_a_window_read_and_turned_is_a_window_of_the_turned_whole(case: tuple[tuple[int, int], int, Box]) -> None:
    shape, turn, box = case
    stored = np.arange(shape[0] * shape[1]).reshape(shape)
    piece = stored[orientation.stored_box(box, shape, turn).slices]
    np.testing.assert_array_equal(orientation.displayed(piece, turn), orientation.displayed(stored, turn)[box.slices])


@given(_windows())
def test_boxes_go_there_and_back(case: tuple[tuple[int, int], int, Box]) -> None:
    shape, turn, box = case
    assert orientation.displayed_box(orientation.stored_box(box, shape, turn), shape, turn) == box


@pytest.mark.parametrize("turn", ALL)
def test_the_turns_are_those_that_pillow_makes(turn: int) -> None:
    stored = np.arange(12, dtype=np.uint8).reshape(3, 4)
    picture = Image.fromarray(stored)
    picture.getexif()[0x0112] = turn
    np.testing.assert_array_equal(orientation.displayed(stored, turn), np.asarray(ImageOps.exif_transpose(picture)))


@pytest.mark.parametrize("value", [0, 9, -1, None, "6", 1.5])
def test_an_unknown_orientation_is_none_at_all(value: object) -> None:
    assert orientation.known(value) == 1
