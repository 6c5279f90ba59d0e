"""What is left of a pass, and doing it: arrays, ledger, blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hdmatt_core.pipeline.reach import touching
from hdmatt_core.runtime.events import BlockDone, BlockKept, Listener, PassStarted
from hdmatt_core.runtime.executor import Executor
from hdmatt_core.runtime.job import Job, Receipt
from hdmatt_core.runtime.workspace import Workspace, name_of, workspace
from hdmatt_core.storage.layout import create
from hdmatt_core.storage.ledger import Ledger
from hdmatt_core.storage.served import Served
from hdmatt_core.storage.store import RunStore, open_arrays

Order = Callable[[list[int]], list[int]]
"""May permute the blocks of a pass; it changes nothing in the result."""


def create_arrays(store: RunStore, job: Job, index: int) -> None:
    """Create the arrays that a pass writes to disk, unless an earlier run did."""
    group, work = store.arrays(), job.plan.passes[index]
    for ref in work.stored:
        if name_of(ref) not in group:
            create(group, name_of(ref), job.plan.specs[ref])
    if job.served is not None:
        Served.create(open_arrays(job.served), work.name, len(workspace(job).blocks(index)), job.units(work))


def ledger_of(store: RunStore, space: Workspace, index: int) -> Ledger:
    """The ledger of a pass."""
    return store.ledger(space.job.plan.passes[index].name, len(space.blocks(index)))


def pending_blocks(space: Workspace, index: int, ledger: Ledger) -> list[int]:
    """Blocks of a pass still to do: those of which something is made or was made before, less those in the ledger."""
    work = space.job.plan.passes[index]
    with_work = set(touching(space.blocks(index), space.part(work)))
    if work.over == "tiles":
        with_work |= set(np.flatnonzero(ledger.left).tolist())
    return sorted(with_work - set(np.flatnonzero(ledger.done).tolist()))


def finish(on: Executor, job: Job, index: int, store: RunStore, listener: Listener, order: Order) -> None:
    """Do what is left of a pass; each receipt goes into the ledger before the next is awaited."""
    space, work = workspace(job), job.plan.passes[index]
    ledger = ledger_of(store, space, index)
    pending = pending_blocks(space, index, ledger)
    listener(PassStarted(work.name, len(pending), int(ledger.done.sum()), _tiles(space, index, pending)))
    for done in on.run(job, index, order(pending)):
        ledger.mark(done.block)
        listener(_told(work.name, done))


def _told(name: str, done: Receipt) -> BlockDone | BlockKept:
    if not done.made:
        return BlockKept(name, done.block, done.same)
    seconds = done.began, done.reading, done.computing, done.writing
    return BlockDone(name, done.block, done.tiles, done.again, *seconds, done.worker, done.same)


def _tiles(space: Workspace, index: int, pending: list[int]) -> int:
    if space.job.plan.passes[index].over != "tiles":
        return 0
    return sum(len(space.target(index, block).slots) for block in pending)
