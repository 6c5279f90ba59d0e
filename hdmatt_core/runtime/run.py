"""A run from beginning to end: survey, plan, passes, outputs; every finished block is in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.pipeline.passes import Pass, whole_box
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.runtime.cluster import executor, session, workers_of
from hdmatt_core.runtime.events import (
    Event,
    EventLog,
    Finished,
    Listener,
    OutputWritten,
    Planned,
    unheard,
)
from hdmatt_core.runtime.fingerprint import content_of
from hdmatt_core.runtime.gauge import Gauge
from hdmatt_core.runtime.heap import share_one
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.outputs import deliver, replaceable
from hdmatt_core.runtime.planning import job_of, planned_apart, surveyed_while_decoding
from hdmatt_core.runtime.prepare import Prepared, prepare
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.space import check_disk, room
from hdmatt_core.runtime.tally import Tally
from hdmatt_core.runtime.work import Order, create_arrays, finish, ledger_of, pending_blocks
from hdmatt_core.runtime.workspace import release, workspace
from hdmatt_core.stage import Array
from hdmatt_core.storage.store import RunStore


@dataclass(frozen=True)
class Result:
    """A finished run: its plan, and the arrays of outputs that were asked for without a path."""

    plan: Plan
    arrays: Mapping[str, Array]


Witness = Callable[[Job, RunStore], AbstractContextManager[object]]
"""A context around all passes and outputs; when it is left, for whatever reason, the run's arrays are still there."""


def run(request: Request, listener: Listener = unheard, order: Order = list, witness: Witness | None = None) -> Result:
    """Do what ``request`` asks for.

    ``order`` may permute the blocks of every pass; it changes nothing in the result. Raises UserError for whatever
    the person can mend; the run's store then stays, and the same request with ``resume`` goes on.
    """
    share_one()
    with session():
        return _do(request, listener, order, witness)


def _do(request: Request, listener: Listener, order: Order, witness: Witness | None) -> Result:
    prepared = prepare(request, workers_of(request.scheduler, listener) if request.scheduler else ())
    path = request.store_path()
    if path is None:
        if request.update:
            raise UserError("an update takes up the run that lies beside an output: give a path for the first one")
        with request.temporary("hdmatt-") as folder:
            return _run(prepared, Path(folder) / "arrays.run", listener, order, witness)
    _refuse_existing(request, path)
    return _run(prepared, path, listener, order, witness)


def _run(prepared: Prepared, path: Path, listener: Listener, order: Order, witness: Witness | None) -> Result:
    with RunStore(path) as store, Gauge(family=prepared.request.workers > 0) as gauge:
        try:
            with room(path):
                _open(store, prepared)
                made = surveyed_while_decoding(prepared, store)
                check_disk(made, store)
                result = _Run(prepared, store, made, listener, order, gauge).execute(witness)
        except BaseException:
            _forget_if_nothing_done(store)
            raise
        if not store.remembers:
            store.remove()
        return result


def _forget_if_nothing_done(store: RunStore) -> None:
    """A run that failed before its first block leaves no store behind that would have to be resumed.

    What an earlier run left stays, whatever is wrong with this one.
    """
    if store.made and not (store.events_path.exists() and '"BlockDone"' in store.events_path.read_text()):
        store.remove()


def plan(request: Request) -> Plan:
    """The plan of ``request``: reads the trimap to count tiles, writes nothing that stays."""
    with planned_apart(request) as (_, _, made):
        return made


def _refuse_existing(request: Request, store: Path) -> None:
    for path in request.outputs.values():
        if path is not None and path.is_dir() and not replaceable(path):
            raise UserError(f"{path}: is a folder that holds other things; give another output")
    if request.overwrite:
        return
    begun = (store / "run.json").exists()
    if begun and not (request.resume or request.update):
        raise UserError(f"{store} holds an unfinished run; --resume goes on with it, --overwrite starts anew")
    for path in request.outputs.values():
        if path is not None and path.exists() and not begun:
            raise UserError(f"{path} exists; give --overwrite, or another output")


def _open(store: RunStore, prepared: Prepared) -> None:
    request, found = prepared.request, prepared.fingerprint()
    if request.update and store.begun():
        store.update(found, request.command, [content_of(name) for name in prepared.sources])
    elif request.resume and store.begun():
        store.verify(found)
    else:
        store.begin(found, request.command)
    if request.keep_run or request.update:
        store.remember()


class _Run:
    def __init__(
        self, prepared: Prepared, store: RunStore, plan: Plan, listener: Listener, order: Order, gauge: Gauge
    ) -> None:
        self.prepared, self.store, self.plan, self.order, self.gauge = prepared, store, plan, order, gauge
        self.job = job_of(prepared, store, plan)
        log = EventLog(store.events_path)
        self.tally = Tally()
        self.listeners = (log, self.tally, listener)

    def execute(self, witness: Witness | None) -> Result:
        try:
            with witness(self.job, self.store) if witness else nullcontext():
                arrays = self._all()
        finally:
            release(self.job.token)
            for source in self.prepared.sources.values():
                source.close()
        return Result(self.plan, arrays)

    def _all(self) -> dict[str, Array]:
        began = time.perf_counter()
        work = self.plan.work
        self._tell(Planned(self.plan.peak, self.plan.disk, work.queries if work else 0, work.candidates if work else 0))
        self._passes()
        arrays = self._deliver()
        if self.prepared.request.update:
            for event in self.tally.told(workspace(self.job)):
                self._tell(event)
        self._tell(self.gauge.read())
        self._tell(Finished(time.perf_counter() - began))
        return arrays

    def _passes(self) -> None:
        request = self.prepared.request
        for index in range(len(self.plan.passes)):
            create_arrays(self.store, self.job, index)
        needed = self._needed()
        with executor(self.plan.resources, scheduler=request.scheduler, synchronous=request.synchronous) as on:
            if needed:
                self._tell(on.crew(self.job))
            for index in needed:
                finish(on, self.job, index, self.store, self._tell, self.order)

    def _needed(self) -> list[int]:
        """Passes with something to do that an output, or a later pass with something to do, waits for."""
        space, needed = workspace(self.job), list[int]()
        for index in reversed(range(len(self.plan.passes))):
            work = self.plan.passes[index]
            awaited = not self.prepared.outputs.isdisjoint(work.stored) or any(
                self._reads(self.plan.passes[later], work) for later in needed
            )
            if awaited and pending_blocks(space, index, ledger_of(self.store, space, index)):
                needed.insert(0, index)
        return needed

    def _reads(self, later: Pass, work: Pass) -> bool:
        made = {step.node for step in work.steps}
        nodes = self.prepared.graph.nodes
        return any(ref.node in made for step in later.steps for ref in nodes[step.node].wires.values())

    def _deliver(self) -> dict[str, Array]:
        arrays: dict[str, Array] = {}
        for name, path in self.prepared.request.outputs.items():
            spec, read = self.prepared.spec_of(name), self._reader(self.prepared.graph.outputs[name])
            if path is None:
                arrays[name] = read(whole_box(spec))
                continue
            deliver(self.prepared.sinks[name], read, spec, self.prepared.about())
            self._tell(OutputWritten(name, str(path)))
        return arrays

    def _reader(self, ref: Ref) -> Callable[[Box], Array]:
        """What reads a box of what was made of an output; a region's begins at its own corner."""
        space, region = workspace(self.job), self.plan.region
        return lambda box: space.pixels(ref, box if region is None else box.shifted(region.start))

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)
        if self.gauge.due:
            self._tell(self.gauge.read())
