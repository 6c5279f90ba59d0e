"""The reference's figures, in memory and by tiles, to six digits."""

from __future__ import annotations

import pytest

from hdmatt_core.metrics import METRICS, ArrayPlane, Score, score, score_tiles
from hdmatt_core.metrics.gradient import _BELL, _SLOPE

from .vectors import VECTORS, Vector


def _errors(found: Score) -> tuple[float, ...]:
    return tuple(getattr(found, name) for name in METRICS)


@pytest.mark.parametrize("vector", VECTORS.values(), ids=list(VECTORS))
def test_in_memory(vector: Vector) -> None:
    found = _errors(score(vector.prediction, vector.truth, vector.trimap))
    assert found == pytest.approx(vector.errors, rel=1e-6, abs=5e-8)


@pytest.mark.parametrize("tile", [7, 16, 1024])
@pytest.mark.parametrize("vector", VECTORS.values(), ids=list(VECTORS))
def test_by_tiles(vector: Vector, tile: int) -> None:
    planes = [ArrayPlane(plane) for plane in (vector.prediction, vector.truth, vector.trimap)]
    assert score_tiles(*planes, tile=tile) == score(vector.prediction, vector.truth, vector.trimap)


def test_the_kernel_is_the_reference_one() -> None:
    assert _BELL[4] * _SLOPE[3] == pytest.approx(0.315433716, abs=5e-10)
