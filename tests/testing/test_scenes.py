"""Scenes: what is said of a picture holds for its pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.testing import scene


@settings(max_examples=10)
@given(st.integers(1, 80), st.integers(1, 80), st.integers(0, 5))
def test_the_image_is_the_composition(height: int, width: int, seed: int) -> None:
    made = scene(height, width, seed)
    weight = made.alpha[..., None]
    mixed = (weight * made.foreground + (1 - weight) * made.background) * 255
    assert made.image.shape == (height, width, 3)
    np.testing.assert_allclose(made.image, mixed, atol=0.51)
    assert not ((made.trimap == 0) & (made.alpha > 0)).any()
    assert not ((made.trimap == 255) & (made.alpha < 1)).any()


def test_a_scene_holds_everything_and_repeats() -> None:
    made, again, other = scene(150, 210), scene(150, 210), scene(150, 210, seed=1)
    assert set(np.unique(made.trimap)) == {0, 128, 255}
    assert np.array_equal(made.image, again.image)
    assert not np.array_equal(made.image, other.image)
    assert 0.05 < (made.trimap == 128).mean() < 0.5


@pytest.mark.parametrize("band", [0, 2, 9])
def test_the_band_surrounds_fractional_pixels(band: int) -> None:
    made = scene(60, 70, band=band)
    fractional = np.argwhere((made.alpha > 0) & (made.alpha < 1))
    for y, x in np.argwhere(made.trimap == 128)[::17]:
        assert np.abs(fractional - (y, x)).max(axis=1).min() <= band
