"""The error map finds a grid where there is one, however the picture is cut, and none where there is none."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hdmatt_core.geometry import blocks_of

SIDE = 1500


@pytest.fixture(scope="module")
def errormap() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        return importlib.import_module("errormap")


def figures(errormap: ModuleType, error: np.ndarray, piece: int) -> dict[str, float]:
    found, unknown = errormap.ErrorMap(), np.ones(error.shape, bool)
    for box in blocks_of(error.shape, (piece, piece)):
        found.add(error[box.slices], unknown[box.slices], box.start)
    return found.figures()


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 100, (SIDE, SIDE)).astype(np.int16)


def test_noise_shows_no_grid(errormap: ModuleType) -> None:
    made = figures(errormap, noise(), 1024)
    assert made["meet"] == pytest.approx(1, abs=0.01)
    assert made["mean"] == pytest.approx(noise().mean() / 255)
    assert made["greatest line"] < 1.05


@pytest.mark.parametrize("piece", [1024, 333])
def test_a_seam_shows_at_its_line_and_where_patches_meet(errormap: ModuleType, piece: int) -> None:
    error = noise()
    error[:: errormap.STEP] += 100
    made = figures(errormap, error, piece)
    assert made["greatest line"] > 2
    assert made["meet"] > 1.02
    assert made == figures(errormap, error, SIDE)
