"""Telling workers of a job. Those of a cluster that somebody else started are asked first whether they can do it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import psutil

from hdmatt_core.errors import HdmattWarning, UserError
from hdmatt_core.pipeline.sizes import format_size
from hdmatt_core.runtime import models
from hdmatt_core.runtime.asking import ask
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.machine import PACKAGES, Machine, devices, here, unseen, versions
from hdmatt_core.runtime.roster import GPU
from hdmatt_core.runtime.workspace import release, workspace

FREE_SHARE = 0.5
"""The share of a machine's free memory that a worker without a limit of its own takes."""


class Admission:
    """Who may do ``job``: newcomers are compared with this client, told of the job, and let in if they can do it."""

    def __init__(self, client: Any, job: Job) -> None:
        self._client, self._job = client, job
        self._in: list[str] = []
        self._lacking: set[str] = set()

    def __call__(self, workers: Sequence[str]) -> list[str]:
        """Those of ``workers`` that may compute from now on; a warning names each other one and says why."""
        remote = self._job.plan.resources.remote
        admitted = self._tell_if_fit(self._alike(workers)) if remote else self._tell(workers)
        self._in += admitted
        return admitted

    def computes(self, worker: str) -> bool:
        """Whether the network may run on a worker that declares no GPU."""
        if self._job.plan.resources.remote:
            return worker not in self._lacking
        return self._job.compute.device != "cuda"  # a process of this machine without a card of its own sees none

    def close(self) -> None:
        """Let the workers forget the job, as far as they are there."""
        if self._in and self._client.status == "running":
            there = self._client.scheduler_info(n_workers=-1)["workers"]
            ask(self._client, leave, self._job.token, workers=[worker for worker in self._in if worker in there])
        self._in.clear()

    def _tell(self, workers: Sequence[str]) -> list[str]:
        if not self._job.plan.resources.processes:
            enter(self._job)  # the workers are in this process: an array given as an input need not travel
            return list(workers)
        told = self._client.run(enter, self._job, workers=list(workers), on_error="return")
        for answer in told.values():
            if isinstance(answer, BaseException) and not isinstance(answer, OSError):  # it died: another will come
                raise answer
        return [worker for worker, answer in told.items() if answer is None]

    def _tell_if_fit(self, workers: list[str]) -> list[str]:
        told = self._client.run(enter_if_fit, self._job, workers=workers, on_error="return") if workers else {}
        return _without({worker: _lines(told[worker]) for worker in workers})

    def _alike(self, workers: Sequence[str]) -> list[str]:
        found, wanted = ask(self._client, here, workers=workers), software(self._job)
        device = self._job.compute.device
        machines = {worker: there for worker, there in found.items() if isinstance(there, Machine)}
        self._lacking |= {worker for worker, there in machines.items() if device not in there.devices}
        return _without({worker: list(differences(found[worker], wanted)) for worker in workers})


def software(job: Job) -> dict[str, str]:
    """The versions that matter to ``job``, as they are here; a plug-in that it does not use is none of them."""
    made_by = {node.type.distribution.partition(" ")[0] for node in job.graph.nodes.values()}
    return {name: version for name, version in versions().items() if name in {"Python", *PACKAGES, *made_by}}


def differences(there: Machine | BaseException, wanted: Mapping[str, str]) -> Iterator[str]:
    """Where a worker's software is not this client's."""
    if isinstance(there, TimeoutError):
        yield str(there)
        return
    if isinstance(there, BaseException):
        yield f"hdmatt does not start there ({type(there).__name__}: {there})"
        return
    for name, version in wanted.items():
        if there.versions.get(name) != version:
            yield f"{name} {there.versions.get(name, 'absent')} there, {version} here"


def enter(job: Job) -> None:
    """Run on a worker: know the job."""
    workspace(job)


def enter_if_fit(job: Job, dask_worker: Any) -> list[str]:
    """Run on a worker: know the job and, where the device is, have its network loaded; or what is in the way."""
    problems = list(_unfit(job, dask_worker))
    if not problems:
        if job.compute.sha256 and job.compute.device in devices():
            models.network(job.compute)
        enter(_with_room(job, dask_worker))
    return problems


def leave(token: str) -> None:
    """Run on a worker: forget the job and what was kept for it."""
    release(token)


def _unfit(job: Job, worker: Any) -> Iterator[str]:
    paths = [source.params.path for source in job.sources.values() if source.params.path.is_absolute()]  # type: ignore[attr-defined]  # every source's parameters have a path
    yield from unseen(paths, job.arrays)
    unit, found = job.compute.unit, devices().get(job.compute.device)
    if unit and found and found != unit:
        yield f"computes on {found}, this run on {unit}: the bits would differ"
    if unit and not found and GPU in worker.state.total_resources:
        yield f"declares a {GPU}, and finds no {job.compute.device}"
    limit, needed = worker.memory_manager.memory_limit, job.plan.needed(worker.state.nthreads)
    if limit and limit < needed:
        yield f"has a memory limit of {format_size(limit)} and needs {format_size(needed)}; fewer threads need less"


def _with_room(job: Job, worker: Any) -> Job:
    """What the worker's memory leaves beside its tasks is for rows between passes."""
    limit = worker.memory_manager.memory_limit or int(psutil.virtual_memory().available * FREE_SHARE)
    return replace(job, keep=max(0, limit - job.plan.needed(worker.state.nthreads)))


def _without(complaints: Mapping[str, list[str]]) -> list[str]:
    for worker, lines in complaints.items():
        if lines:
            warnings.warn(f"worker {worker} is left out: {'; '.join(lines)}", HdmattWarning, stacklevel=2)
    return [worker for worker, lines in complaints.items() if not lines]


def _lines(found: list[str] | BaseException) -> list[str]:
    if isinstance(found, UserError):
        return [str(found)]
    return [f"{type(found).__name__}: {found}"] if isinstance(found, BaseException) else found
