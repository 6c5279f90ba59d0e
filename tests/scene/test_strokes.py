"""Strokes cover what a line of their width covers, and thin ones are as dim as they are thin."""

from __future__ import annotations

import numpy as np
import pytest

from hdmatt_core.geometry import Box
from hdmatt_core.scene.noise import grain, lattice, unit
from hdmatt_core.scene.strokes import Strokes, named

BOX = Box((1000, 2000), (1100, 2100))


def line(half: float) -> Strokes:
    points = np.array([[[1020.5, 2030.5], [1050.5, 2040.5], [1080.5, 2030.5]]])
    return Strokes.of(points, np.full((1, 3), half), named(1, 9), np.ones((1, 2), bool))


@pytest.mark.parametrize("half", [0.15, 0.4, 0.5, 1.0, 3.0, 9.0])
def test_coverage_adds_up_to_width_times_length(half: float) -> None:
    cover = (line(half).draw(BOX) >> np.uint32(24)).astype(float) / 255
    length = 2 * np.hypot(30, 10)
    ends = np.pi * half**2 if half >= 0.5 else half * 2 * np.pi / 4
    assert cover.sum() == pytest.approx(2 * half * length + ends, rel=0.06)
    assert cover.max() == pytest.approx(min(1, 2 * half), abs=0.08)


def test_the_name_of_a_stroke_is_drawn_with_it() -> None:
    keys = line(2).draw(BOX)
    assert set(np.unique(keys[keys > 0] & np.uint32(0xFFFFFF))) == set(named(1, 9).tolist())


def test_names_are_all_different() -> None:
    assert len(np.unique(named(100_000, 5))) == 100_000


def test_segments_left_out_are_not_drawn() -> None:
    points = np.array([[[1020.5, 2030.5], [1050.5, 2040.5], [1080.5, 2030.5]]])
    half = Strokes.of(points, np.ones((1, 3)), named(1, 9), np.array([[True, False]])).draw(BOX)
    assert half[30, 34] > 0
    assert not half[60:].any()


def test_noise_is_spread_evenly_and_uncorrelated() -> None:
    values = unit(grain(Box((-50, 10**6), (462, 10**6 + 512)), 3))
    assert values.min() >= 0
    assert values.max() < 1
    assert np.histogram(values, 16, (0, 1))[0] == pytest.approx(values.size / 16, rel=0.05)
    for shift in ((0, 1), (1, 0), (1, 1), (2, 0), (0, 3)):
        moved = values[shift[0] :, shift[1] :]
        kept = values[: moved.shape[0], : moved.shape[1]]
        assert abs(np.corrcoef(kept.ravel(), moved.ravel())[0, 1]) < 0.01


def test_lattice_noise_passes_smoothly_from_cell_to_cell() -> None:
    values = lattice(Box((-40, 77), (200, 300)), (31, 17), 4)
    assert values.shape == (240, 223)
    assert 0 <= values.min() < 0.2 < 0.8 < values.max() < 1
    assert np.abs(np.diff(values, axis=0)).max() < 1.6 / 31
    assert np.abs(np.diff(values, axis=1)).max() < 1.6 / 17
