"""What is held is made once, however many threads ask."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hdmatt_images.held import held, release


def test_two_threads_that_ask_at_once_get_one_value(tmp_path: Path) -> None:
    made, together = [], threading.Barrier(8)

    def make() -> object:
        made.append(1)
        time.sleep(0.05)
        return object()

    def ask(_: int) -> object:
        together.wait()
        return held(tmp_path, "pixels", make)

    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(ask, range(8)))
    assert len(values) == len(made) == 1


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    assert held(path, "x", lambda: 1) == 1
    assert held(path, "x", lambda: 2) == 1
    os.utime(path, (1, 1))
    assert held(path, "x", lambda: 3) == 3


def test_a_failure_is_raised_and_tried_again(tmp_path: Path) -> None:
    def fail() -> int:
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        held(tmp_path, "x", fail)
    assert held(tmp_path, "x", lambda: 7) == 7


def test_release_closes_what_it_lets_go_of(tmp_path: Path) -> None:
    closed = []

    class Handle:
        def close(self) -> None:
            closed.append(1)

    first = held(tmp_path, "x", Handle)
    release(tmp_path / "another")
    assert held(tmp_path, "x", Handle) is first
    release(tmp_path)
    assert closed == [1]
    assert held(tmp_path, "x", Handle) is not first
