"""Lines of progress for logs: rate and time left over all workers; nothing for a short run."""

from __future__ import annotations

from io import StringIO

import pytest

from hdmatt_core.progress_lines import Lines, time_left
from hdmatt_core.runtime.events import BlockDone, BlockKept, Crew, PassStarted, Updated, Waiting


def done(block: int, worker: str) -> BlockDone:
    return BlockDone("encode", block, 16, 0, 0.0, 0.1, 1.0, 0.1, worker)


def test_rate_and_time_left_are_of_all_workers_together() -> None:
    now, out = [0.0], StringIO()
    lines = Lines(out, lambda: now[0])
    lines(PassStarted("encode", 100, 0, 1600))
    for block in range(20):
        now[0] += 2.0
        lines(done(block, f"host{block % 2}/{block % 2}/7"))
    assert out.getvalue() == "encode: 240 of 1600 tiles, 8.0/s, 3 min left, 2 processes\n"


def test_a_short_run_says_nothing_and_a_wait_is_said_at_once() -> None:
    out = StringIO()
    lines = Lines(out, lambda: 0.0)
    lines(PassStarted("blend", 4, 0, 0))
    lines(done(0, "host/1/1"))
    assert out.getvalue() == ""
    lines(Waiting("tcp://s:1", 60.0))
    assert out.getvalue() == "waiting for workers at tcp://s:1, at most 60 s\n"


def test_an_update_says_what_it_made_again() -> None:
    out = StringIO()
    lines = Lines(out, lambda: 0.0)
    lines(BlockKept("encode", 3, 16))
    lines(Updated("encode", 16, 63, "tiles", 0, ""))
    lines(Updated("decode", 9, 40, "tiles", 5, "encode"))
    first, second = "encode: 16 of 63 tiles made again", "decode: 9 of 40 tiles made again, 5 of them through encode"
    assert out.getvalue() == f"{first}\n{second}\n"


def test_workers_are_told_where_there_is_a_page_about_them() -> None:
    out = StringIO()
    lines = Lines(out, lambda: 0.0)
    lines(Crew(1, 2, ""))
    assert out.getvalue() == ""
    lines(Crew(1, 2, "http://s:1/status"))
    lines(Crew(4, 1, "http://s:1/status"))
    assert out.getvalue() == (
        "1 worker, 2 threads; dask's page: http://s:1/status\n4 workers, 1 thread; dask's page: http://s:1/status\n"
    )


@pytest.mark.parametrize(("seconds", "said"), [(40, "40 s"), (720, "12 min"), (11_100, "3 h 05 min")])
def test_time_as_people_say_it(seconds: float, said: str) -> None:
    assert time_left(seconds) == said
