"""Trimaps of training: never a lie, narrow and wide, and now and then nothing known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.training import trimaps
from hdmatt_core.training.trimaps import random_trimap


@settings(max_examples=40)
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


def test_some_of_both_sides_is_mostly_known_and_known_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a net, whose threads are thinner than most bands, a disc; what is soft stays unknown."""
    rows, columns = np.ogrid[:256, :256]
    alpha = ((rows % 24 < 8) | (columns % 24 < 8)).astype(np.float32)
    alpha[:, 100:110] *= 0.5
    hinted = [random_trimap(alpha, np.random.default_rng(seed)) for seed in range(60)]
    monkeypatch.setattr(trimaps, "_HINTED", 0.0)
    plain = [random_trimap(alpha, np.random.default_rng(seed)) for seed in range(60)]
    lacking, before = (sum(bool((each == 255).mean() < 0.002) for each in drawn) for drawn in (hinted, plain))
    assert before > 20
    assert lacking < before / 3
    for trimap in hinted:
        assert (alpha[trimap == 255] == 1).all()
        assert (alpha[trimap == 0] == 0).all()
