"""Blenders: what every stitching must keep, for any grid, and the matte that comes back from its own patches."""

from __future__ import annotations

import numpy as np
import pytest
from hdmatt_stages import Crop, Ramp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hdmatt_core.geometry import Box, Grid
from hdmatt_core.kinds import Blender
from hdmatt_core.stage import Rows, Target
from hdmatt_core.testing import Given, run_stage, tiles_given
from hdmatt_core.testing import given as image_given

VALUES = np.array([0, 128, 255], np.uint8)
BLENDERS = [Ramp, Crop]
sizes = st.tuples(st.integers(1, 100), st.integers(1, 100))


def cut_patches(alpha: NDArray[np.float32], trimap: NDArray[np.uint8], grid: Grid) -> dict[str, Given]:
    """The patches of a matte, those alone that hold an unknown pixel; beyond the image is rubbish."""
    patches = np.full((grid.slots, grid.patch, grid.patch), np.nan, np.float32)
    queries = []
    for slot in grid.present(0, grid.slots):
        inside = grid.box(slot).within(grid.shape)
        if (trimap[inside.slices] == 128).any():
            queries.append(slot)
            patches[slot] = 7.0
            patches[slot][: inside.shape[0], : inside.shape[1]] = alpha[inside.slices]
    return {
        "patches": tiles_given(patches, ("tile", "y", "x"), grid, slots=queries),
        "tiles": tiles_given(np.zeros((grid.slots, 3), np.int32), ("tile", "c"), grid),
        "trimap": image_given(trimap),
    }


@pytest.mark.parametrize("blender", BLENDERS)
@settings(max_examples=25)
@given(sizes, st.integers(0, 16), st.integers(0, 99))
def test_patches_of_a_matte_give_it_back(blender: type[Blender], shape: tuple[int, int], lap: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    alpha = random.uniform(size=shape).astype(np.float32)
    trimap = VALUES[random.choice(3, shape, p=[0.5, 0.02, 0.48])]
    made = run_stage(blender(blender.Params()), cut_patches(alpha, trimap, Grid(shape, 32, lap, 2)))["alpha"]
    unknown = trimap == 128
    np.testing.assert_allclose(made[unknown], alpha[unknown], atol=3e-7)
    np.testing.assert_array_equal(made[~unknown], (trimap[~unknown] == 255).astype(np.float32))


@pytest.mark.parametrize("blender", BLENDERS)
@settings(max_examples=15)
@given(sizes, st.integers(0, 16), st.floats(0, 1, width=32))
def test_a_constant_stays_constant(blender: type[Blender], shape: tuple[int, int], lap: int, value: float) -> None:
    trimap = np.full(shape, 128, np.uint8)
    constant = np.full(shape, value, np.float32)
    made = run_stage(blender(blender.Params()), cut_patches(constant, trimap, Grid(shape, 32, lap, 2)))["alpha"]
    np.testing.assert_allclose(made, constant, atol=3e-7)


@settings(max_examples=25)
@given(sizes, st.integers(0, 16), st.integers(1, 3))
def test_weights_are_positive_and_at_most_one(shape: tuple[int, int], lap: int, side: int) -> None:
    grid = Grid(shape, 32, lap, side)
    for slot in grid.present(0, grid.slots):
        assert grid.ramp(slot).min() > 0
        assert grid.ramp(slot).max() <= 1


def test_the_ramp_is_the_papers_mean() -> None:
    """Two patches 48 px wide in all, one of 0 and one of 1: the weights' ratio across the overlap of 16."""
    grid = Grid((32, 48), 32, 16, 2)
    inputs = cut_patches(np.zeros((32, 48), np.float32), np.full((32, 48), 128, np.uint8), grid)
    inputs["patches"].array[grid.slot(0, 0)], inputs["patches"].array[grid.slot(0, 1)] = 0, 1
    made = run_stage(Ramp(Ramp.Params()), inputs)["alpha"]
    rise = (np.arange(16) + 0.5) / 16
    np.testing.assert_allclose(made[5], [*[0] * 16, *(rise / (rise + rise[::-1])), *[1] * 16], atol=1e-6)


@pytest.mark.parametrize("lap", [0, 1, 6, 7, 16])
def test_crop_takes_the_nearest_centre(lap: int) -> None:
    grid = Grid((70, 90), 32, lap, 2)
    inputs = cut_patches(np.zeros((70, 90), np.float32), np.full((70, 90), 128, np.uint8), grid)
    present = grid.present(0, grid.slots)
    for slot in present:
        inputs["patches"].array[slot] = slot / grid.slots
    made = run_stage(Crop(Crop.Params()), inputs)["alpha"]
    centres = {slot: np.array(grid.box(slot).start) + 16 for slot in present}
    for y, x in np.ndindex(70, 90):
        nearest = min(present, key=lambda s: (((centres[s] - (y + 0.5, x + 0.5)) ** 2).sum(), s))
        assert made[y, x] == np.float32(nearest / grid.slots), (y, x)


@pytest.mark.parametrize("blender", BLENDERS)
def test_an_unknown_pixel_without_a_patch_is_a_bug_and_not_a_zero(blender: type[Blender]) -> None:
    grid = Grid((40, 40), 32, 8, 2)
    inputs = cut_patches(np.zeros((40, 40), np.float32), np.zeros((40, 40), np.uint8), grid)
    inputs["trimap"].array[20, 20] = 128
    with pytest.raises(RuntimeError, match="1 unknown pixels are in no decoded patch"):
        run_stage(blender(blender.Params()), inputs)


@pytest.mark.parametrize("blender", BLENDERS)
def test_only_patches_over_the_target_are_read(blender: type[Blender]) -> None:
    grid = Grid((3200, 3200), 32, 8, 4)
    inputs = {
        "patches": tiles_given(np.zeros((grid.slots, 1, 1), np.float32), ("tile", "y", "x"), grid),
        "trimap": image_given(np.zeros((3200, 3200), np.uint8)),
    }
    request = blender(blender.Params()).needs(
        Target(Box((0, 0), (64, 64))), {port: source.spec for port, source in inputs.items()}
    )
    assert isinstance(request["patches"], Rows)
    assert len(request["patches"].slots) == 9
