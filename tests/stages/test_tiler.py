"""tiler.grid: the table of tiles against the trimap, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hdmatt_stages import GridTiler
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Grid
from hdmatt_core.kinds import TileState
from hdmatt_core.testing import complete, run_stage, scene, whole_target
from hdmatt_core.testing import given as image_given

VALUES = np.array([0, 128, 255], np.uint8)


def tiler(**params: int) -> GridTiler:
    return GridTiler(GridTiler.Params(**params))


@settings(max_examples=25)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 16), st.integers(1, 3), st.integers(0, 9))
def test_a_tile_is_a_query_exactly_where_the_image_under_it_is_unknown(h: int, w: int, lap: int, side: int, seed: int):
    random = np.random.default_rng(seed)
    trimap = VALUES[random.choice(3, (h, w), p=[0.49, 0.005, 0.505])]
    pictures = {"image": image_given(np.zeros((h, w, 3), np.uint8)), "trimap": image_given(trimap)}
    table = complete(tiler(patch=32, overlap=lap, side=side), pictures)["tiles"].array
    grid = Grid((h, w), 32, lap, side)
    for slot in range(grid.slots):
        if grid.position(slot) is None:
            assert table[slot].tolist() == [0, 0, TileState.ABSENT]
            continue
        inside = trimap[grid.box(slot).within((h, w)).slices]
        assert table[slot, :2].tolist() == list(grid.box(slot).start)
        assert (table[slot, 2] == TileState.QUERY) == bool((inside == 128).any())
        if inside.max() == 0:
            assert table[slot, 2] == TileState.BACKGROUND
        if inside.min() == 255:
            assert table[slot, 2] == TileState.FOREGROUND


def test_known_tiles_that_hold_both_are_known() -> None:
    trimap = np.zeros((32, 32), np.uint8)
    trimap[:, 16:] = 255
    pictures = {"image": image_given(np.zeros((32, 32, 3), np.uint8)), "trimap": image_given(trimap)}
    made = run_stage(tiler(patch=32, overlap=0), pictures)
    assert made["tiles"].tolist() == [[0, 0, TileState.KNOWN]]
    assert made["regions"].tolist() == [[[0, 2], [0, 2]]]


def test_regions_beyond_the_border_are_mirrored() -> None:
    trimap = np.full((20, 32), 255, np.uint8)
    trimap[:4] = 0
    pictures = {"image": image_given(np.zeros((20, 32, 3), np.uint8)), "trimap": image_given(trimap)}
    regions = run_stage(tiler(patch=32, overlap=0), pictures)["regions"]
    # Rows 16..31 hold 16..19 and their mirror 18..7: foreground all.
    assert regions[0].tolist() == [[2, 2], [2, 2]]
    assert run_stage(tiler(patch=32, overlap=0), pictures)["tiles"][0, 2] == TileState.KNOWN


def test_the_image_is_not_read() -> None:
    made = scene(40, 40)
    pictures = {"image": image_given(made.image), "trimap": image_given(made.trimap)}
    stage = tiler(patch=32, overlap=8)
    specs = {port: source.spec for port, source in pictures.items()}
    assert set(stage.needs(whole_target(stage, pictures), specs)) == {"trimap"}


def test_sizes_that_differ_are_told_with_the_cure() -> None:
    specs = {
        "image": image_given(np.zeros((30, 40, 3), np.uint8)).spec,
        "trimap": image_given(np.zeros((15, 20), np.uint8)).spec,
    }
    with pytest.raises(UserError) as caught:
        tiler().infer(specs)
    assert str(caught.value) == (
        "the image is 40 x 30 px, the trimap 20 x 15 px; "
        "make the trimap at the image's size, or an integer times smaller"
    )


@pytest.mark.parametrize("params", [{"patch": 100}, {"patch": 16}, {"patch": 64, "overlap": 33}, {"overlap": -1}])
def test_sizes_that_cannot_be_are_refused(params: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        tiler(**params)
