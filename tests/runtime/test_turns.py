"""Which blocks a worker does next, and how many of them go with one task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdmatt_core.runtime import ondask, roster, task
from hdmatt_core.runtime.job import Receipt
from hdmatt_core.runtime.turns import Turns


@given(
    blocks=st.lists(st.integers(0, 50), unique=True),
    keepers=st.dictionaries(st.integers(0, 50), st.sampled_from("abc")),
    asking=st.lists(st.sampled_from("abcd"), min_size=60, max_size=60),
)
def test_every_block_is_given_once_and_nobody_stands_idle(
    blocks: list[int], keepers: dict[int, str], asking: list[str]
) -> None:
    turns = Turns(blocks, keepers)
    given = [turns.next(worker) for worker in asking]
    assert sorted(block for block in given[: len(blocks)] if block is not None) == sorted(blocks)
    assert turns.empty
    assert set(given[len(blocks) :]) <= {None}


def test_a_worker_is_given_what_it_keeps_then_what_nobody_keeps_then_the_last_of_the_busiest() -> None:
    turns = Turns([0, 1, 2, 3, 4, 5], {0: "a", 1: "a", 2: "a", 3: "b"})
    assert [turns.next("b") for _ in range(4)] == [3, 4, 5, 2]
    assert [turns.next("a") for _ in range(3)] == [0, 1, None]


def test_a_block_that_came_back_is_next() -> None:
    turns = Turns([0, 1], {})
    assert turns.next("a") == 0
    turns.put_back([0])
    assert [turns.next("a"), turns.next("a")] == [0, 1]


class Quick:
    """A client that does a task when it is sent; a block takes ``takes`` seconds, and those in ``bad`` fail."""

    status = "running"

    def __init__(self, takes: float, bad: Sequence[int] = ()) -> None:
        self.takes, self.bad, self.sent = takes, bad, list[list[int]]()

    def submit(self, function: Any, token: str, index: int, blocks: list[int], **_: Any) -> Any:
        self.sent.append(blocks)
        future: Any = Future()
        future.status = "finished"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(task, "run_block", self.made)
            try:
                future.set_result(function(token, index, blocks))
            except OSError as error:
                future.set_exception(error)
        return future

    def cancel(self, futures: Sequence[Any], *, force: bool) -> None:
        assert force

    def made(self, token: str, index: int, block: int) -> Receipt:
        if block in self.bad:
            raise OSError(f"block {block}")
        return Receipt(index, block, 0, True, 0, 0, 0.0, 0.0, self.takes, 0.0, "", "")

    def done(self, count: int) -> Iterator[int]:
        """The blocks of a pass as they are heard of."""
        job: Any = SimpleNamespace(token="t", plan=SimpleNamespace(passes=[SimpleNamespace(name="p")]))
        flight = ondask.Flight(self, None, job, 0, Turns(range(count), {}), on_gpu=False)
        while flight.fill({"a": roster.Member(2, 0)}):
            yield from (receipt.block for receipt in flight.landed())


def test_quick_blocks_go_by_the_handful() -> None:
    client = Quick(takes=0.001)
    assert list(client.done(200)) == list(range(200))
    assert len(client.sent[0]) == 1
    assert max(map(len, client.sent)) == ondask.HANDFUL
    assert len(client.sent) < 60


def test_slow_blocks_go_one_by_one() -> None:
    client = Quick(takes=0.3)
    assert list(client.done(30)) == list(range(30))
    assert [len(blocks) for blocks in client.sent] == [1] * 30


def test_what_a_handful_made_before_a_fault_counts() -> None:
    client, heard = Quick(takes=0.001, bad=[150]), list[int]()
    with pytest.raises(OSError, match="block 150"):
        heard.extend(client.done(200))
    assert set(range(150)) <= set(heard)
    assert 150 not in heard
    assert [blocks[0] for blocks in client.sent].count(150) == 1
