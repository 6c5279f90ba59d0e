"""Runs of patches: what goes through the network together has one length, so that bits do not depend on it."""

from __future__ import annotations

import numpy as np
import pytest
from hdmatt_stages.batches import ACCELERATOR, ALONE, batches


@pytest.mark.parametrize("count", [1, 5, 8, 21])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_patch_goes_through_once_in_order_but_for_what_fills_up(device: str, count: int) -> None:
    runs = list(batches(count, device, 320))
    assert np.concatenate(runs)[:count].tolist() == list(range(count))
    assert np.unique(np.concatenate(runs)).tolist() == list(range(count))


def test_an_accelerator_sees_runs_of_one_length() -> None:
    assert {len(run) for run in batches(21, "cuda", 320)} == {ACCELERATOR}
    assert next(batches(3, "mps", 320)).tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_an_accelerator_takes_fewer_of_large_ones() -> None:
    assert {len(run) for run in batches(21, "cuda", 480)} == {3}
    assert {len(run) for run in batches(2, "cuda", 2048)} == {1}


def test_a_small_patch_is_never_alone_on_a_processor() -> None:
    assert next(batches(1, "cpu", ALONE - 16)).tolist() == [0, 0]
    assert [run.tolist() for run in batches(2, "cpu", ALONE)] == [[0], [1]]
