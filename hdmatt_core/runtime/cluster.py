"""Where tasks run: in this thread, in an in-process dask cluster, in local worker processes, on any scheduler.

Tasks are submitted in a window of a few per thread, refilled as they finish: a scheduler never holds more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.plan import Resources
from hdmatt_core.runtime.job import Job, Receipt

LOOPBACK = "127.0.0.1:0"
"""dask insists on a status page; this keeps it to this machine and to a free port."""
AHEAD = 2
"""Tasks submitted per thread: one running, one ready, so that no thread waits for the client."""

Call = tuple[int, int]
Run = Callable[[Job, int, int], Receipt]


class Executor(Protocol):
    """Runs blocks and gives their receipts as they come."""

    def run(self, run: Run, job: Job, calls: Iterable[Call]) -> Iterator[Receipt]: ...


class InThisThread:
    """For a debugger: one block after the other."""

    def run(self, run: Run, job: Job, calls: Iterable[Call]) -> Iterator[Receipt]:
        for call in calls:
            yield run(job, *call)


class OnDask:
    """Through a dask client; the job travels once to every worker, tasks carry two integers."""

    def __init__(self, client: Any, threads: int) -> None:
        self._client = client
        self._window = AHEAD * threads

    def run(self, run: Run, job: Job, calls: Iterable[Call]) -> Iterator[Receipt]:
        from distributed import as_completed

        pending = iter(calls)
        first = list(islice(pending, self._window))
        if not first:
            return
        reference = self._client.scatter(job, broadcast=True, hash=False)
        futures = as_completed([self._submit(run, reference, call) for call in first])
        try:
            for future in futures:
                yield future.result()
                for call in islice(pending, 1):
                    futures.add(self._submit(run, reference, call))
        finally:
            self._client.cancel(list(futures.futures), force=True)

    def _submit(self, run: Run, reference: Any, call: Call) -> Any:
        return self._client.submit(run, reference, *call, pure=False)


@contextmanager
def executor(resources: Resources, scratch: Path, *, scheduler: str | None, synchronous: bool) -> Iterator[Executor]:
    """The executor that ``resources`` and the person ask for; its cluster is closed with the context.

    A local cluster's own files go to ``scratch``.
    """
    if synchronous:
        yield InThisThread()
        return
    import dask
    from distributed import Client, LocalCluster

    quiet = {"distributed.logging.distributed": "error", "distributed.worker.memory.terminate": False}
    with dask.config.set(quiet):
        if scheduler is not None:
            with _remote(scheduler) as client:
                yield OnDask(client, max(1, sum(client.nthreads().values())))
            return
        workers = resources.processes
        cluster = LocalCluster(
            n_workers=workers or 1,
            threads_per_worker=resources.threads,
            processes=bool(workers),
            dashboard_address=LOOPBACK,
            worker_dashboard_address=LOOPBACK,
            local_directory=str(scratch),
            memory_limit=0,
            silence_logs=50,
        )
        with cluster, Client(cluster) as client:
            yield OnDask(client, (workers or 1) * resources.threads)


@contextmanager
def _remote(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise UserError(f"--scheduler {address}: no scheduler answers there ({error})") from error
    with client:
        if not client.nthreads():
            raise UserError(f"--scheduler {address}: the scheduler has no workers; start some with 'dask worker'")
        yield client
