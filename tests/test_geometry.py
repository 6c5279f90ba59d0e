"""Geometry holds for every size, patch and overlap: coverage, mirrored reading, blending weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hdmatt_core.geometry import Box, Grid, blocks_of, mirrored, reflected, touched

sizes = st.integers(1, 90)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    patch = draw(st.integers(2, 24))
    return Grid((draw(sizes), draw(sizes)), patch, draw(st.integers(0, patch // 2)), draw(st.integers(1, 4)))


@given(grids())
def test_patches_cover_every_pixel(grid: Grid) -> None:
    covered = np.zeros(grid.shape, dtype=bool)
    for slot in grid.present(0, grid.slots):
        covered[grid.box(slot).within(grid.shape).slices] = True
    assert covered.all()


@given(grids())
def test_a_slot_and_its_position_name_each_other(grid: Grid) -> None:
    present = grid.present(0, grid.slots)
    assert len(present) == grid.counts[0] * grid.counts[1]
    assert all(grid.slot(*position) == slot for slot in present if (position := grid.position(slot)))


@given(grids(), st.data())
def test_covering_finds_exactly_the_patches_over_a_box(grid: Grid, data: st.DataObject) -> None:
    start = tuple(data.draw(st.integers(0, n - 1)) for n in grid.shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, grid.shape, strict=True))
    box = Box(start, stop)
    touching = {s for s in grid.present(0, grid.slots) if not grid.box(s).intersection(box).empty}
    assert set(grid.covering(box)) == touching


@given(grids())
def test_ramps_are_positive_and_one_in_the_centre(grid: Grid) -> None:
    for slot in grid.present(0, grid.slots)[:6]:
        ramp = grid.ramp(slot)
        assert ramp.shape == (grid.patch, grid.patch)
        assert ramp.min() > 0
        assert ramp.max() <= 1
        assert ramp[grid.patch // 2, grid.patch // 2] == 1 or grid.overlap * 2 >= grid.patch - 1


def test_a_lone_patch_is_not_ramped() -> None:
    assert (Grid((5, 300), 320, 32).ramp(0) == 1).all()


def test_an_absent_slot_has_no_box() -> None:
    with pytest.raises(ValueError, match=r"slot 1 of .* holds no patch"):
        Grid((5, 5), 16, 0).box(1)


@given(st.integers(1, 12), st.integers(-40, 40), st.integers(1, 60))
def test_mirroring_equals_numpy(length: int, start: int, count: int) -> None:
    values = np.arange(length)
    before, after = max(0, -start), max(0, start + count - length)
    padded = np.pad(values, (before, after), mode="reflect")
    assert values[reflected(start, start + count, length)].tolist() == padded[start + before :][:count].tolist()


corners, sides = (
    st.tuples(st.integers(-40, 40), st.integers(-40, 40)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
)


@given(st.tuples(st.integers(1, 12), st.integers(1, 12)), corners, sides, st.booleans())
def test_a_mirrored_piece_is_what_its_indices_say(
    shape: tuple[int, int], corner: tuple[int, int], side: tuple[int, int], colour: bool
) -> None:
    whole = np.arange(3 * shape[0] * shape[1], dtype=np.uint16).reshape(*shape, 3)
    whole = whole if colour else whole[..., 0]
    box = Box(corner, (corner[0] + side[0], corner[1] + side[1]))
    inside = touched(box, shape)
    rows, columns = (reflected(a, b, n) for a, b, n in zip(box.start, box.stop, shape, strict=True))
    assert np.array_equal(mirrored(whole[inside.slices], inside, box, shape), whole[np.ix_(rows, columns)])


@given(st.tuples(sizes, sizes), st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_blocks_tile_an_array_once(shape: tuple[int, int], block: tuple[int, int]) -> None:
    seen = np.zeros(shape, dtype=int)
    for box in blocks_of(shape, block):
        seen[box.slices] += 1
    assert (seen == 1).all()


@given(st.tuples(sizes, sizes), st.tuples(sizes, sizes))
def test_intersection_is_what_both_hold(a: tuple[int, int], b: tuple[int, int]) -> None:
    assume(max(a) < 60)
    one, other = Box((0, 0), a), Box((a[0] // 2, a[1] // 2), b)
    inside = one.intersection(other)
    mask = np.zeros((90, 90), dtype=int)
    mask[one.slices] += 1
    if not other.empty:
        mask[other.slices] += 1
    assert (mask == 2).sum() == (0 if inside.empty else np.prod(inside.shape))
