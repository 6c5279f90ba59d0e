"""Trimaps of training: never a lie, narrow and wide, and now and then nothing known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.training.trimaps import random_trimap


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.booleans())
def test_a_trimap_never_lies(seed: int, wild: bool) -> None:
    rng = np.random.default_rng(seed)
    alpha = np.clip(rng.normal(0.5, 1.5, (48, 48)), 0, 1).astype(np.float32)
    alpha[:16], alpha[32:] = 0, 1
    trimap = random_trimap(alpha, rng, wild)
    assert set(np.unique(trimap)) <= {0, 128, 255}
    assert (alpha[trimap == 255] > 0.98).all()
    assert (alpha[trimap == 0] < 0.02).all()


def _unknown(alpha: np.ndarray, wild: bool) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([(random_trimap(alpha, np.random.default_rng(n), wild) == 128).mean() for n in range(150)])


def test_bands_are_narrow_and_wide_and_sometimes_nearly_all_is_unknown() -> None:
    alpha = np.zeros((320, 320), np.float32)
    alpha[:, 160:] = 1
    tame, wild = _unknown(alpha, False), _unknown(alpha, True)
    assert tame.min() > 0.01
    assert tame.max() < 0.5
    assert wild.min() < 0.03
    assert (wild > 0.7).sum() >= 3
    assert np.median(wild) == pytest.approx(np.median(tame), abs=0.15)
