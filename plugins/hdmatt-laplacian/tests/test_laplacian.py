"""blender.laplacian: the contract, and what multi-band blending is for."""

from __future__ import annotations

import numpy as np
import pytest
from hdmatt_laplacian import Laplacian, _weight, hdmatt_stages
from numpy.typing import NDArray

from hdmatt_core.geometry import Grid
from hdmatt_core.testing import Given, StageConformance, given, run_stage, scene, tiles_given

GRID = Grid((200, 260), patch=96, overlap=32, side=2)
UNKNOWN = np.full(GRID.shape, 128, np.uint8)


class TestLaplacian(StageConformance):
    name, stage, params = "blender.laplacian", Laplacian, {"levels": 3}


def test_the_hook_brings_the_blender() -> None:
    assert [(t.name, t.stage, t.api) for t in hdmatt_stages()] == [("blender.laplacian", Laplacian, 1)]


def inputs(patches: NDArray[np.float32], trimap: NDArray[np.uint8] = UNKNOWN) -> dict[str, Given]:
    return {
        "patches": tiles_given(patches, ("tile", "y", "x"), GRID),
        "tiles": tiles_given(np.zeros((GRID.slots, 3), np.int32), ("tile", "c"), GRID),
        "trimap": given(trimap),
    }


def blended(patches: NDArray[np.float32], levels: int = 4) -> NDArray[np.float32]:
    return run_stage(Laplacian(Laplacian.Params(levels=levels)), inputs(patches))["alpha"]


def every(value: float) -> NDArray[np.float32]:
    return np.full((GRID.slots, GRID.patch, GRID.patch), value, np.float32)


@pytest.mark.parametrize("overlap", [0, 1, 7, 32, 48])
@pytest.mark.parametrize("fraction", [1, 2, 8])
def test_the_weights_over_a_pixel_add_up_to_one(overlap: int, fraction: int) -> None:
    grid = Grid((200, 260), 96, overlap, 2)
    total = np.zeros((1000, 1000))
    for slot in grid.present(0, grid.slots):
        total[grid.box(slot).slices] += _weight(grid, slot, overlap / fraction)
    np.testing.assert_allclose(total[:200, :260], 1, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_stays_constant(value: float) -> None:
    np.testing.assert_allclose(blended(every(value)), value, atol=1e-6)


def test_patches_of_a_matte_give_nearly_the_matte() -> None:
    made = scene(*GRID.shape)
    patches = every(0)
    for slot in GRID.present(0, GRID.slots):
        box = GRID.box(slot)
        beyond = [(0, max(0, stop - n)) for stop, n in zip(box.stop, GRID.shape, strict=True)]
        patches[slot] = np.pad(made.alpha[box.within(GRID.shape).slices], beyond, "reflect")
    error = np.abs(blended(patches) - made.alpha)
    # Each patch is filtered alone; near its border, where its weight is small, the bands see a mirror.
    assert error.max() < 0.05
    assert error.mean() < 1e-3


def test_a_difference_in_level_is_crossed_over_the_whole_overlap() -> None:
    patches = every(0.2)
    for slot in GRID.present(0, GRID.slots):
        position = GRID.position(slot)
        if position and position[1] > 0:
            patches[slot] = 0.8
    row = blended(patches)[50]
    assert np.abs(np.diff(row)).max() < 0.6 / 32 * 1.5
    np.testing.assert_allclose(row[[63, 96]], [0.2, 0.8], atol=1e-6)


def test_detail_that_disagrees_is_not_washed_out() -> None:
    stripes = 0.5 + 0.4 * np.where(np.arange(GRID.patch) % 2, 1, -1).astype(np.float32)
    patches = every(0) + stripes
    for slot in GRID.present(0, GRID.slots):
        position = GRID.position(slot)
        if position and position[1] % 2:
            patches[slot] = 1 - stripes
    contrast = {levels: np.abs(np.diff(blended(patches, levels)[50, 66:94])) for levels in (1, 4)}
    assert (contrast[4] > 0.5).mean() > 0.8
    assert (contrast[1] > 0.5).mean() < 0.5


def test_known_pixels_are_pinned() -> None:
    trimap = UNKNOWN.copy()
    trimap[:50], trimap[50:100] = 0, 255
    alpha = run_stage(Laplacian(Laplacian.Params()), inputs(every(0.5), trimap))["alpha"]
    assert not alpha[:50].any()
    assert (alpha[50:100] == 1).all()


def test_an_unknown_pixel_without_a_patch_is_a_bug() -> None:
    alone = inputs(every(0.5)) | {"patches": tiles_given(every(0.5), ("tile", "y", "x"), GRID, slots=[0])}
    with pytest.raises(RuntimeError, match="an unknown pixel is not covered"):
        run_stage(Laplacian(Laplacian.Params()), alone)
