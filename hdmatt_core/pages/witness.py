"""Writing the page about a run when it ends, finished or not, for those who asked for it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from hdmatt_core.errors import HdmattWarning, UserError
from hdmatt_core.runtime.events import Listener, OutputWritten, unheard
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import Witness
from hdmatt_core.runtime.space import room
from hdmatt_core.storage.store import RunStore

NAME = "report.html"
"""The page in a run's store that is kept."""


def reporting(request: Request, path: Path | None, listener: Listener = unheard) -> Witness | None:
    """A witness that writes the page to ``path``, else into a store that is kept; None where neither is asked for.

    Raises UserError if ``path`` cannot be written, or is there and may not be replaced.
    """
    if path is None and not (request.keep_run or request.update):
        return None
    if path is not None:
        _check(path, replace=request.overwrite or request.resume or request.update)

    def witness(job: Job, store: RunStore) -> AbstractContextManager[None]:
        return _writing(path or store.path / NAME, request, job, store, listener)

    return witness


@contextmanager
def _writing(path: Path, request: Request, job: Job, store: RunStore, listener: Listener) -> Iterator[None]:
    from hdmatt_core.pages.run import write_run_page

    try:
        yield
    except BaseException as stopped:
        try:
            write_run_page(path, request, job, store, stopped)
        except Exception as error:  # what stopped the run is told, not this
            warnings.warn(f"{path}: the report could not be written ({error})", HdmattWarning, stacklevel=2)
        raise
    with room(path):
        write_run_page(path, request, job, store, None)
    listener(OutputWritten("report", str(path)))


def _check(path: Path, *, replace: bool) -> None:
    folder = path.absolute().parent
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--report {path}: the report is a page; give --report FILE.html")
    if not folder.is_dir():
        raise UserError(f"--report {path}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise UserError(f"--report {path}: the folder {folder} cannot be written")
    if path.exists() and not replace:
        raise UserError(f"{path} exists; give --overwrite, or another --report")
