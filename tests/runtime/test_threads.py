"""Whatever a program around a run makes of torch's threads, a task computes with one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
