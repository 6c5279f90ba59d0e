"""What is left of a pass, and doing it: arrays, ledger, blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hdmatt_core.pipeline.passes import Pass
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.runtime.cluster import Executor
from hdmatt_core.runtime.events import BlockDone, Listener, PassStarted
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.task import run_block
from hdmatt_core.runtime.workspace import Workspace, name_of, workspace
from hdmatt_core.storage.layout import create
from hdmatt_core.storage.ledger import Ledger
from hdmatt_core.storage.store import RunStore

Order = Callable[[list[int]], list[int]]
"""May permute the blocks of a pass; it changes nothing in the result."""


def create_arrays(store: RunStore, plan: Plan, work: Pass) -> None:
    """Create the arrays that the pass writes to disk, unless an earlier run did."""
    group = store.arrays()
    for ref in (*work.stored, *work.transient):
        if plan.places[ref] == "disk" and name_of(ref) not in group:
            create(group, name_of(ref), plan.specs[ref])


def ledger_of(store: RunStore, plan: Plan, work: Pass) -> Ledger | None:
    """The ledger of a pass whose arrays outlive the process; what rests in memory has none."""
    durable = any(plan.places[ref] == "disk" for ref in work.stored)
    return Ledger(store.ledgers(), work.name, len(work.blocks())) if durable else None


def pending_blocks(space: Workspace, work: Pass, ledger: Ledger | None) -> list[int]:
    """Blocks of a pass still to do: those with tiles, less those in the ledger."""
    grid = work.grid if work.over != "pixels" else None
    blocks = range(len(work.blocks()))
    if grid is not None and work.over == "tiles":
        per_block = space.computed(work.run, grid).reshape(len(blocks), -1).sum(axis=1)
        blocks_with_work = np.flatnonzero(per_block).tolist()
    else:
        blocks_with_work = list(blocks)
    done = set(np.flatnonzero(ledger.done).tolist()) if ledger else set()
    return [b for b in blocks_with_work if b not in done]


def finish(on: Executor, job: Job, index: int, store: RunStore, listener: Listener, order: Order) -> None:
    """Do what is left of a pass; each receipt goes into the ledger before the next is awaited."""
    plan, work = job.plan, job.plan.passes[index]
    ledger = ledger_of(store, plan, work)
    space = workspace(job)
    pending = pending_blocks(space, work, ledger)
    done = int(ledger.done.sum()) if ledger else 0
    listener(PassStarted(work.name, len(pending), done, _tiles(space, work, pending)))
    for receipt in on.run(run_block, job, [(index, block) for block in order(pending)]):
        if ledger:
            ledger.mark(receipt.block)
        listener(BlockDone(work.name, receipt.block, receipt.tiles, receipt.seconds, receipt.worker))


def _tiles(space: Workspace, work: Pass, pending: list[int]) -> int:
    if work.over != "tiles" or work.grid is None:
        return 0
    per_block = space.computed(work.run, work.grid).reshape(-1, work.grid.block).sum(axis=1)
    return sum(int(per_block[block]) for block in pending)
