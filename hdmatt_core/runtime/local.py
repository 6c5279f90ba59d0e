"""A dask cluster on this machine: threads of this process, or processes of which each may have a GPU of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hdmatt_core.pipeline.resources import Resources
from hdmatt_core.runtime.roster import GPU

LOOPBACK = "127.0.0.1"
STATUS = f"{LOOPBACK}:0"
"""dask insists on a status page; this keeps it to this machine and to a free port."""
SETTINGS: dict[str, Any] = {
    # Without dask's MALLOC_TRIM_THRESHOLD_: it makes glibc ask the kernel for every large array anew.
    "distributed.nanny.pre-spawn-environ": {
        "OMP_NUM_THREADS": 1,
        "MKL_NUM_THREADS": 1,
        "OPENBLAS_NUM_THREADS": 1,
        "MALLOC_ARENA_MAX": 1,
    },
    "distributed.logging.distributed": "error",
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,  # samples every thread a hundred times a second
    "distributed.scheduler.work-stealing": False,  # which worker does what is decided here
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.tick.interval": "1s",
}
"""What dask does for interactive use costs a run in this process one part in twenty (measured idle)."""


def threads(resources: Resources, scratch: Path, cards: int) -> Any:
    """A scheduler and one worker in this process, its threads those of ``resources``."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=1,
        threads_per_worker=resources.threads,
        processes=False,
        resources={GPU: 1} if cards else None,
        dashboard_address=STATUS,
        worker_dashboard_address=STATUS,
        local_directory=str(scratch),
        memory_limit=0,
        silence_logs=50,
    )


def processes(resources: Resources, scratch: Path, cards: int) -> Any:
    """A scheduler in this process and workers in others, which are started again if they die.

    The first ``cards`` workers see one GPU each and declare it as a resource; the others see none.
    """
    from distributed import Scheduler, SpecCluster

    scheduler = {"host": LOOPBACK, "dashboard_address": STATUS}
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": scheduler},
        workers={i: worker(i, resources, scratch, cards) for i in range(resources.processes)},
        silence_logs=50,
    )


def worker(number: int, resources: Resources, scratch: Path, cards: int) -> dict[str, Any]:
    """What dask has to know to start worker ``number``."""
    from distributed import Nanny

    has_card = number < cards
    options: dict[str, Any] = {
        "host": LOOPBACK,
        "nthreads": resources.threads,
        "local_directory": str(scratch),
        "memory_limit": 0,
        "dashboard": False,
        "silence_logs": 50,
    }
    if cards:
        # Before torch is imported there: a process that sees one card cannot compute on another's.
        options["env"] = {"CUDA_VISIBLE_DEVICES": str(number) if has_card else ""}
        options["resources"] = {GPU: 1} if has_card else {}
    return {"cls": Nanny, "options": options}
