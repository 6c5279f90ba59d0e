"""Blocks through a dask client.

A job travels once to every worker that is let in, late ones included; tasks carry three small values. Each worker
is given a few blocks ahead and another for each that it gives back, so the scheduler never holds more, whatever the
size of the picture. A block whose rows a worker keeps is given to that worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any

from distributed import KilledWorker

from hdmatt_core.errors import UserError
from hdmatt_core.runtime.admission import Admission
from hdmatt_core.runtime.events import Crew
from hdmatt_core.runtime.job import Job, Receipt
from hdmatt_core.runtime.roster import GPU, SHARE, Member, Roster
from hdmatt_core.runtime.task import run_blocks
from hdmatt_core.runtime.turns import Turns
from hdmatt_core.runtime.workspace import NotToldError

TABLES = "/info/main/workers.html"
"""The page of dask that needs no bokeh."""
WORTH_A_TASK = 0.05
"""Seconds of work that a task should have, for dask takes a hundredth for each: quick blocks go by the handful."""
HANDFUL = 8
_RECENT = 0.2
"""Weight of the last block in what one takes."""
POLL = 1.0
"""Seconds after which, without a receipt, the workers and the scheduler are looked at again."""


class OnDask:
    """Runs passes through ``client``, connected to the scheduler at ``where``, or None for one of this process."""

    def __init__(self, client: Any, where: str | None) -> None:
        self._client, self._where = client, where
        self._crews: dict[str, tuple[Admission, Roster]] = {}
        self._keepers: dict[str, dict[int, str]] = {}

    def __enter__(self) -> OnDask:
        return self

    def __exit__(self, *_: object) -> None:
        for admission, _roster in self._crews.values():
            admission.close()

    def run(self, job: Job, index: int, blocks: Sequence[int]) -> Iterator[Receipt]:
        """Receipts as blocks are done; UserError where the cluster is gone."""
        work, roster = job.plan.passes[index], self._crew(job)
        on_gpu = job.compute.device == "cuda" and job.uses_network(work)
        turns = Turns(blocks, self._keepers.get(job.token, {}) if work.replay else {})
        flight = Flight(self._client, self._where, job, index, turns, on_gpu=on_gpu)
        try:
            while flight.fill(roster.chosen(on_gpu=on_gpu)):
                for receipt in flight.landed():
                    if work.transient:
                        self._keepers.setdefault(job.token, {})[receipt.block] = receipt.address
                    yield receipt
        finally:
            flight.cancel()

    def crew(self, job: Job) -> Crew:
        """Who is there at the beginning."""
        members, resources = self._crew(job).wait(), job.plan.resources
        link = dashboard(self._client) if resources.remote or resources.processes else ""
        return Crew(len(members), sum(member.threads for member in members.values()), link)

    def _crew(self, job: Job) -> Roster:
        if job.token not in self._crews:
            admission = Admission(self._client, job)
            self._crews[job.token] = admission, Roster(self._client, self._where, admission, admission.computes)
        return self._crews[job.token][1]


class Flight:
    """The blocks of one pass that are with the workers now."""

    def __init__(self, client: Any, where: str | None, job: Job, index: int, turns: Turns, *, on_gpu: bool) -> None:
        self._client, self._where, self._job, self._index, self._turns = client, where, job, index, turns
        self._name = job.plan.passes[index].name
        self._futures: dict[Any, tuple[list[int], str]] = {}
        self._takes = WORTH_A_TASK  # seconds of a block, of late
        self._done: SimpleQueue[Any] = SimpleQueue()
        self._on_gpu = on_gpu
        self._numbers = count()

    def fill(self, members: Mapping[str, Member]) -> bool:
        """Give every worker what it has seats for; whether anything is with the workers, or waits for one."""
        given = Counter(address for _, address in self._futures.values())
        for address, member in members.items():
            for _ in range(member.seats(on_gpu=self._on_gpu) - given[address]):
                if blocks := self._handful(address):
                    self._send(blocks, address, gpu=self._on_gpu and member.gpus > 0)
        return bool(self._futures) or not self._turns.empty

    def landed(self) -> Iterator[Receipt]:
        """The next receipt, and any others that are there; none after a while."""
        with suppress(Empty):
            yield from self._receipts(self._done.get(timeout=POLL))
            while True:
                yield from self._receipts(self._done.get_nowait())
        if self._client.status not in ("running", "newly-created"):
            raise vanished(self._where)

    def cancel(self) -> None:
        """Take back what is not done."""
        if self._futures and self._client.status == "running":
            self._client.cancel(list(self._futures), force=True)
        self._futures.clear()

    def _handful(self, address: str) -> list[int]:
        """The next blocks for a worker: one, or several of those that take no time; none when all are taken."""
        size = max(1, int(WORTH_A_TASK / max(self._takes, WORTH_A_TASK / HANDFUL)))
        taken = (self._turns.next(address) for _ in range(size))
        return [block for block in taken if block is not None]

    def _send(self, blocks: list[int], address: str, *, gpu: bool) -> None:
        future = self._client.submit(
            run_blocks,
            *(self._job.token, self._index, blocks),
            key=f"{self._name}-{self._job.token}-{blocks[0]}-{next(self._numbers)}",
            workers=[address],
            allow_other_workers=True,  # should it die
            resources={GPU: 1 / SHARE} if gpu else None,
            pure=False,
        )
        self._futures[future] = blocks, address
        future.add_done_callback(self._done.put)

    def _receipts(self, future: Any) -> Iterator[Receipt]:
        blocks, _ = self._futures.pop(future)
        if future.status in ("cancelled", "lost"):
            raise vanished(self._where)
        try:
            receipts: list[Receipt] = future.result()
        except NotToldError:  # its worker died, and dask gave the blocks to one that was not let in yet
            self._turns.put_back(blocks)
            return
        except KilledWorker as error:
            raise UserError(
                f"pass '{self._name}': one block after another worker died ({error.allowed_failures + 1} of them), "
                "most likely of too little memory; give workers more, or fewer threads each"
            ) from error
        for receipt in receipts:
            self._takes += _RECENT * (receipt.seconds - self._takes)
        self._turns.put_back(blocks[len(receipts) :])
        yield from receipts


def dashboard(client: Any) -> str:
    """dask's page about a cluster: plots where its scheduler has bokeh to draw them, otherwise tables."""
    link = str(client.dashboard_link or "")
    with suppress(Exception):  # a scheduler may refuse to be asked, and a page is no reason to stop
        if client.run_on_scheduler(find_spec, "bokeh"):
            return link
    return link.replace("/status", TABLES)


def vanished(where: str | None) -> UserError:
    """The scheduler is gone, and with it everything but what is on disk."""
    which = f"--scheduler {where}" if where else "--workers"
    return UserError(f"{which}: the scheduler went away in the middle of the run; what is finished is kept")
