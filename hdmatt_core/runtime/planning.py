"""From a prepared request to its plan: the trimap is surveyed, tiles are counted, memory is divided."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hdmatt_core.pipeline.plan import Plan, choose
from hdmatt_core.pipeline.resources import Resources
from hdmatt_core.runtime.events import unheard
from hdmatt_core.runtime.executor import InThisThread
from hdmatt_core.runtime.inputs import decoding_ahead, reduce, stream
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.prepare import Prepared, prepare
from hdmatt_core.runtime.reduced import ReducedSource
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.roster import SHARE
from hdmatt_core.runtime.spill import discard_spilled
from hdmatt_core.runtime.survey import count, warn_of_guesswork
from hdmatt_core.runtime.work import create_arrays, finish
from hdmatt_core.runtime.workspace import release, workspace
from hdmatt_core.storage.store import RunStore, token_of


def surveyed_while_decoding(prepared: Prepared, store: RunStore) -> Plan:
    """Survey; where tasks will be threads of this process, its other thread decodes the image meanwhile."""
    request = prepared.request
    if request.workers or request.scheduler is not None or request.synchronous:
        return surveyed(prepared, store)
    with decoding_ahead(prepared.sources, prepared.inputs):
        return surveyed(prepared, store)


def surveyed(prepared: Prepared, store: RunStore) -> Plan:
    """Make the tables of tiles, count, and choose the plan within the budget."""
    discard_spilled(store.path)
    _stream_inputs(prepared, store)
    resources = _resources(prepared)
    provisional = prepared.outline(None).plan(resources)
    job = job_of(prepared, store, provisional)
    try:
        for index in prepared.survey:
            create_arrays(store, job, index)
            finish(InThisThread(), job, index, store, unheard, list)
        work = count(workspace(job), provisional.passes)
        warn_of_guesswork(workspace(job), provisional.passes)
    finally:
        release(job.token)
    return choose(prepared.outline(work), resources)


@contextmanager
def planned_apart(request: Request) -> Iterator[tuple[Prepared, RunStore, Plan]]:
    """What ``request`` comes to, planned in a store of its own that goes when the context ends."""
    prepared = prepare(request)
    with request.temporary("hdmatt-plan-") as folder, RunStore(Path(folder) / "plan.run") as store:
        store.begin(prepared.fingerprint(), "")
        yield prepared, store, surveyed(prepared, store)


def job_of(prepared: Prepared, store: RunStore, plan: Plan) -> Job:
    """The run as its workers see it, under a name of its own."""
    return Job(
        uuid.uuid4().hex,
        prepared.graph,
        plan,
        store.arrays_path.absolute(),
        prepared.sources,
        prepared.compute,
        keep=plan.keep // max(1, plan.resources.processes),
        begun=token_of(store.path),
        served=store.served_path.absolute() if store.remembers else None,
    )


def _resources(prepared: Prepared) -> Resources:
    """Those of the request; a process with a card of its own reads and writes beside computing."""
    resources = prepared.request.resources()
    on_cards = prepared.compute.device == "cuda" and resources.processes > 0
    return replace(resources, threads=SHARE) if on_cards else resources


def _stream_inputs(prepared: Prepared, store: RunStore) -> None:
    for name, planned in prepared.inputs.items():
        source = prepared.sources[name]
        if isinstance(source, ReducedSource):
            reduce(store, name, source, planned)
        elif planned.streamed:
            stream(store, name, source, planned.spec)
