"""Whatever a program around a run does with threads: of torch, a task computes with one; of its own, runs in several go
on beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_bits_do_not_depend_on_the_threads_that_a_program_gives_torch(
    request_for: Callable[..., Request],
) -> None:
    made = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        made.append(run(request_for(synchronous=True)).arrays["alpha"])
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


def test_runs_in_several_threads_do_not_end_each_other(request_for: Callable[..., Request]) -> None:
    alone = run(request_for()).arrays["alpha"]
    with ThreadPoolExecutor(3) as threads:
        beside = [threads.submit(run, request_for()) for _ in range(5)]
        assert all(np.array_equal(made.result().arrays["alpha"], alone) for made in beside)
