"""The same plan gives the same bits: threads, one thread, processes, any order, anything kept or made again."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from hdmatt_core.pipeline.resources import PROCESS_BYTES
from hdmatt_core.runtime.events import BlockDone
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import plan, run
from hdmatt_core.testing import Scene

Make = Callable[..., Request]


@pytest.fixture(scope="module")
def references() -> dict[str, np.ndarray]:
    return {}


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def request_for(request_for: Make, precision: str) -> Make:
    return partial(request_for, dtype=precision)


@pytest.fixture
def reference(request_for: Make, precision: str, references: dict[str, np.ndarray]) -> np.ndarray:
    if precision not in references:
        references[precision] = run(request_for(synchronous=True)).arrays["alpha"]
    return references[precision]


def test_known_pixels_are_the_trimap_and_unknown_ones_are_not_constant(
    reference: np.ndarray, picture: Scene, known: np.ndarray
) -> None:
    assert reference.shape == picture.trimap.shape
    assert reference.dtype == np.float32
    assert (reference[known] == picture.trimap[known] / 255).all()
    assert reference[~known].std() > 0
    assert reference.min() >= 0
    assert reference.max() <= 1


def test_threads(request_for: Make, reference: np.ndarray) -> None:
    assert np.array_equal(run(request_for()).arrays["alpha"], reference)


def test_blocks_in_any_order(request_for: Make, reference: np.ndarray) -> None:
    def shuffled(blocks: list[int]) -> list[int]:
        return random.Random(1).sample(blocks, len(blocks))

    assert np.array_equal(run(request_for(), order=shuffled).arrays["alpha"], reference)


@pytest.mark.parametrize("disk", [True, False])
def test_skips_that_memory_does_not_hold_come_from_files_or_are_made_again(
    request_for: Make, reference: np.ndarray, disk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[int] = []
    if not disk:
        monkeypatch.setattr("hdmatt_core.runtime.workspace.spill_of", lambda job: None)
    roomy = plan(request_for())
    assert roomy.keeps
    request = request_for(memory=roomy.peak - 1)
    assert plan(request).keep == 0
    result = run(request, lambda event: again.append(event.again) if isinstance(event, BlockDone) else None)
    assert np.array_equal(result.arrays["alpha"], reference)
    assert (sum(again) == 0) is disk


@pytest.mark.slow
def test_processes(request_for: Make, reference: np.ndarray) -> None:
    request = request_for(workers=2, memory=4 * PROCESS_BYTES)
    assert np.array_equal(run(request).arrays["alpha"], reference)


@pytest.mark.slow
def test_a_scheduler_elsewhere(request_for: Make, reference: np.ndarray) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        result = run(request_for(scheduler=cluster.scheduler_address))
    assert np.array_equal(result.arrays["alpha"], reference)


def test_the_other_precision_stays_near(request_for: Make, precision: str, reference: np.ndarray) -> None:
    other = "float32" if precision == "bfloat16" else "bfloat16"
    alpha = run(request_for(dtype=other)).arrays["alpha"]
    assert 0 < np.abs(alpha - reference).mean() < 0.02
