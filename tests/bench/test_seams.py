"""The measures of seams find a seam where there is one, and none where there is none."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def seams() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        return importlib.import_module("seams")


def rough(seams: ModuleType) -> np.ndarray:
    side = 4 * seams.STEP
    return np.random.default_rng(0).uniform(0.4, 0.6, (side, side)).astype(np.float32)


def test_noise_bends_no_more_on_the_lines_than_elsewhere(seams: ModuleType) -> None:
    matte = rough(seams)
    everywhere = np.ones(matte.shape, bool)
    assert [seams.bending(matte, everywhere, axis) for axis in (0, 1)] == pytest.approx([1, 1], abs=0.03)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_step_where_patches_begin_is_found(seams: ModuleType, axis: int) -> None:
    matte = rough(seams)
    patch = (np.arange(len(matte)) + seams.SHIFT) // seams.STEP
    matte += 0.2 * np.expand_dims(patch % 2, 1 - axis)
    everywhere = np.ones(matte.shape, bool)
    assert seams.bending(matte, everywhere, axis) > 1.3
    assert seams.bending(matte, everywhere, 1 - axis) == pytest.approx(1, abs=0.03)


def test_a_difference_where_patches_meet_is_found(seams: ModuleType) -> None:
    unknown = np.ones((4 * seams.STEP, 4 * seams.STEP), bool)
    meet = seams.meeting(unknown.shape)
    share = 2 * seams.OVERLAP / seams.STEP
    assert meet.mean() == pytest.approx(1 - (1 - share) ** 2, abs=1e-6)
    lines = seams.report(0.1 + 0.1 * meet, rough(seams), rough(seams), unknown)
    assert any("ratio 2.000" in line for line in lines)
    profile = seams.along(0.1 + 0.1 * meet, unknown, 0)
    assert profile[:2].min() > 1.2 * profile[4:].max()


def test_the_two_grids_are_each_others_mirror(seams: ModuleType) -> None:
    meet = seams.meeting((2 * seams.STEP, 2 * seams.STEP))
    assert np.array_equal(meet, np.roll(meet, seams.SHIFT, 0))
    assert np.array_equal(meet, meet.T)
