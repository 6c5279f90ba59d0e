"""A run from beginning to end: survey, plan, passes, outputs; every finished block is in the ledger."""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.passes import Pass
from hdmatt_core.pipeline.plan import Plan, choose
from hdmatt_core.pipeline.sizes import format_size
from hdmatt_core.runtime.cluster import Executor, InThisThread, executor
from hdmatt_core.runtime.events import (
    BlockDone,
    Event,
    EventLog,
    Finished,
    Listener,
    OutputWritten,
    PassStarted,
    Planned,
    unheard,
)
from hdmatt_core.runtime.inputs import stream
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.outputs import deliver
from hdmatt_core.runtime.prepare import Prepared, prepare
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.survey import count, warn_of_guesswork
from hdmatt_core.runtime.task import run_block
from hdmatt_core.runtime.workspace import Workspace, name_of, release, workspace
from hdmatt_core.stage import Array
from hdmatt_core.storage.layout import create
from hdmatt_core.storage.ledger import Ledger
from hdmatt_core.storage.store import RunStore

Order = Callable[[list[int]], list[int]]


@dataclass(frozen=True)
class Result:
    """A finished run: its plan, and the arrays of outputs that were asked for without a path."""

    plan: Plan
    arrays: Mapping[str, Array]


def run(request: Request, listener: Listener = unheard, order: Order = list) -> Result:
    """Do what ``request`` asks for.

    ``order`` may permute the blocks of every pass; it changes nothing in the result. Raises UserError for whatever
    the person can mend; the run's store then stays, and the same request with ``resume`` goes on.
    """
    prepared = prepare(request)
    path = request.store_path()
    if path is None:
        with tempfile.TemporaryDirectory(prefix="hdmatt-", dir=request.scratch) as folder:
            return _run(prepared, Path(folder) / "arrays.run", listener, order)
    _refuse_existing(request, path)
    result = _run(prepared, path, listener, order)
    if not request.keep_run:
        shutil.rmtree(path)
    return result


def _run(prepared: Prepared, path: Path, listener: Listener, order: Order) -> Result:
    with RunStore(path) as store:
        try:
            _open(store, prepared)
            made = _surveyed(prepared, store)
            _check_disk(made, store)
            return _Run(prepared, store, made, listener, order).execute()
        except BaseException:
            _forget_if_nothing_done(store)
            raise


def _forget_if_nothing_done(store: RunStore) -> None:
    """A run that failed before its first block leaves no store behind that would have to be resumed."""
    if not (store.events_path.exists() and '"BlockDone"' in store.events_path.read_text()):
        shutil.rmtree(store.path)


def plan(request: Request) -> Plan:
    """The plan of ``request``: reads the trimap to count tiles, writes nothing that stays."""
    prepared = prepare(request)
    temporary = tempfile.TemporaryDirectory(prefix="hdmatt-plan-", dir=request.scratch)
    with temporary as folder, RunStore(Path(folder) / "plan.run") as store:
        store.begin(prepared.fingerprint(), "")
        return _surveyed(prepared, store)


def _refuse_existing(request: Request, store: Path) -> None:
    if request.overwrite:
        return
    begun = (store / "run.json").exists()
    if begun and not request.resume:
        raise UserError(f"{store} holds an unfinished run; --resume goes on with it, --overwrite starts anew")
    for path in request.outputs.values():
        if path is not None and path.exists() and not begun:
            raise UserError(f"{path} exists; give --overwrite, or another output")


def _open(store: RunStore, prepared: Prepared) -> None:
    if prepared.request.resume and store.begun():
        store.verify(prepared.fingerprint())
    else:
        store.begin(prepared.fingerprint(), prepared.request.command)


def _surveyed(prepared: Prepared, store: RunStore) -> Plan:
    """Make the tables of tiles, count, and choose the plan within the budget."""
    _stream_inputs(prepared, store)
    resources = prepared.request.resources()
    provisional = prepared.outline(None).plan(resources, "nothing")
    job = _job(prepared, store, provisional)
    try:
        for index in prepared.survey:
            _create(store, provisional, provisional.passes[index])
            _finish(InThisThread(), job, index, store, unheard, list)
        work = count(workspace(job), provisional.passes)
        warn_of_guesswork(workspace(job), provisional.passes)
    finally:
        release(job.token)
    return choose(prepared.outline(work), resources)


def _stream_inputs(prepared: Prepared, store: RunStore) -> None:
    for name, planned in prepared.inputs.items():
        if planned.reading == "streamed":
            stream(store.arrays(), store.ledgers(), name, prepared.sources[name], planned.spec)


def _check_disk(plan: Plan, store: RunStore) -> None:
    free = shutil.disk_usage(store.path).free
    if plan.disk > free:
        raise UserError(
            f"{store.path}: the run's store may take {format_size(plan.disk)}, {format_size(free)} are free; "
            "make space, or give --scratch DIR"
        )


def _job(prepared: Prepared, store: RunStore, plan: Plan) -> Job:
    return Job(uuid.uuid4().hex, prepared.graph, plan, store.arrays_path.absolute(), prepared.sources, prepared.compute)


def _create(store: RunStore, plan: Plan, work: Pass) -> None:
    group = store.arrays()
    for ref in (*work.stored, *work.transient):
        if plan.places[ref] == "disk" and name_of(ref) not in group:
            create(group, name_of(ref), plan.specs[ref])


def _pending(space: Workspace, work: Pass, ledger: Ledger | None) -> list[int]:
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


def _finish(on: Executor, job: Job, index: int, store: RunStore, listener: Listener, order: Order) -> None:
    """Do what is left of a pass; each receipt goes into the ledger before the next is awaited."""
    plan, work = job.plan, job.plan.passes[index]
    ledger = _ledger(store, plan, work)
    space = workspace(job)
    pending = _pending(space, work, ledger)
    done = int(ledger.done.sum()) if ledger else 0
    listener(PassStarted(work.name, len(pending), done, _tiles(space, work, pending)))
    for receipt in on.run(run_block, job, [(index, block) for block in order(pending)]):
        if ledger:
            ledger.mark(receipt.block)
        listener(BlockDone(work.name, receipt.block, receipt.tiles, receipt.seconds, receipt.worker))


def _ledger(store: RunStore, plan: Plan, work: Pass) -> Ledger | None:
    """The ledger of a pass whose arrays outlive the process; what rests in memory has none."""
    durable = any(plan.places[ref] == "disk" for ref in work.stored)
    return Ledger(store.ledgers(), work.name, len(work.blocks())) if durable else None


def _tiles(space: Workspace, work: Pass, pending: list[int]) -> int:
    if work.over != "tiles" or work.grid is None:
        return 0
    per_block = space.computed(work.run, work.grid).reshape(-1, work.grid.block).sum(axis=1)
    return sum(int(per_block[block]) for block in pending)


class _Run:
    def __init__(self, prepared: Prepared, store: RunStore, plan: Plan, listener: Listener, order: Order) -> None:
        self.prepared, self.store, self.plan, self.order = prepared, store, plan, order
        self.job = _job(prepared, store, plan)
        log = EventLog(store.events_path)
        self.listeners = (log, listener)

    def execute(self) -> Result:
        began = time.perf_counter()
        work = self.plan.work
        self._tell(Planned(self.plan.peak, self.plan.disk, work.queries if work else 0, work.candidates if work else 0))
        try:
            self._passes()
            arrays = self._deliver()
        finally:
            release(self.job.token)
            for source in self.prepared.sources.values():
                source.close()
        self._tell(Finished(time.perf_counter() - began))
        return Result(self.plan, arrays)

    def _passes(self) -> None:
        request = self.prepared.request
        for index in range(len(self.plan.passes)):
            _create(self.store, self.plan, self.plan.passes[index])
        needed = self._needed()
        scratch = self.store.path / "dask"
        with executor(self.plan.resources, scratch, scheduler=request.scheduler, synchronous=request.synchronous) as on:
            for index in needed:
                _finish(on, self.job, index, self.store, self._tell, self.order)

    def _needed(self) -> list[int]:
        """Passes with something to do that an output, or a later pass with something to do, waits for."""
        space, needed = workspace(self.job), list[int]()
        for index in reversed(range(len(self.plan.passes))):
            work = self.plan.passes[index]
            awaited = not self.prepared.outputs.isdisjoint(work.stored) or any(
                self._reads(self.plan.passes[later], work) for later in needed
            )
            if awaited and _pending(space, work, _ledger(self.store, self.plan, work)):
                needed.insert(0, index)
        return needed

    def _reads(self, later: Pass, work: Pass) -> bool:
        made = {step.node for step in work.steps}
        nodes = self.prepared.graph.nodes
        return any(ref.node in made for step in later.steps for ref in nodes[step.node].wires.values())

    def _deliver(self) -> dict[str, Array]:
        space, arrays = workspace(self.job), {}
        for name, path in self.prepared.request.outputs.items():
            ref = self.prepared.graph.outputs[name]
            if path is None:
                arrays[name] = np.asarray(space.array(ref)[...])
                continue
            deliver(self.prepared.sinks[name], space, ref, self.plan.specs[ref], self.prepared.about())
            self._tell(OutputWritten(name, str(path)))
        return arrays

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)
