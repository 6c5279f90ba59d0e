"""Where tasks run: in this thread, in threads or processes of this machine, or on somebody's dask cluster."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.resources import Resources
from hdmatt_core.runtime import local
from hdmatt_core.runtime.events import Listener, Waiting
from hdmatt_core.runtime.executor import Executor, InThisThread
from hdmatt_core.runtime.machine import Machine, here
from hdmatt_core.runtime.roster import PATIENCE, Roster

CONNECT = 10
"""Seconds until a scheduler must have answered."""

_open: dict[object, Any] = {}
_session: ExitStack | None = None
_inside = 0
_guard = threading.RLock()


@contextmanager
def session() -> Iterator[None]:
    """Clusters opened inside are used again by what follows inside: a folder of pictures starts its workers once.

    They close when the last one leaves who is inside, in whatever thread.
    """
    global _session, _inside
    with _guard:
        _session, _inside = _session or ExitStack(), _inside + 1
    try:
        yield
    finally:
        with _guard:
            _inside -= 1
            if not _inside:
                _open.clear()
                stack, _session = _stack(), None
                stack.close()


@contextmanager
def executor(resources: Resources, *, scheduler: str | None, synchronous: bool) -> Iterator[Executor]:
    """The executor that ``resources`` and the person ask for; its cluster closes with the session it is opened in."""
    if synchronous:
        yield InThisThread()
        return
    from hdmatt_core.runtime.ondask import OnDask

    with session():
        with _guard:
            client = _local(resources) if scheduler is None else _client(scheduler)
        with OnDask(client, scheduler) as on:
            yield on


def workers_of(scheduler: str, listener: Listener) -> list[Machine]:
    """What the workers of a cluster are, as soon as there are any; UserError if nobody answers or comes."""
    from hdmatt_core.runtime.asking import ask

    with _guard:
        client = _client(scheduler)
    roster = Roster(client, scheduler)
    if not roster.members():
        listener(Waiting(scheduler, PATIENCE))
    answers = ask(client, here, workers=list(roster.wait()))
    return [found for found in answers.values() if isinstance(found, Machine)]


def _local(resources: Resources) -> Any:
    key = (resources.processes, resources.threads)
    if key not in _open:
        import dask
        from distributed import Client

        start = local.processes if resources.processes else local.threads
        stack = _stack()
        stack.enter_context(dask.config.set(local.SETTINGS))
        scratch = stack.enter_context(TemporaryDirectory(prefix="hdmatt-dask-"))
        cluster = stack.enter_context(start(resources, Path(scratch), _cards()))
        _open[key] = _until_the_end(Client(cluster))
    return _open[key]


def _client(address: str) -> Any:
    if address not in _open:
        from distributed import Client

        try:
            client = Client(address, timeout=CONNECT)
        except (OSError, ValueError) as error:
            raise UserError(f"--scheduler {address}: no scheduler answers there ({error})") from error
        _open[address] = _until_the_end(client)
    return _open[address]


def _until_the_end(client: Any) -> Any:
    """A client that closes with the session: as a context it would have to be left in the thread that entered it."""
    _stack().callback(client.close)
    return client


def _stack() -> ExitStack:
    if _session is None:
        raise RuntimeError("clusters are opened in a session")
    return _session


def _cards() -> int:
    """GPUs of this machine; none for a run without a network, which has not imported torch and need not wait for it."""
    torch = sys.modules.get("torch")
    return torch.cuda.device_count() if torch else 0
