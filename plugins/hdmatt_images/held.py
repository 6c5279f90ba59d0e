"""What one process holds of its sources: decoded pixels and open files, made once however many threads ask."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from hdmatt_core.errors import HdmattWarning, UserError

T = TypeVar("T")

_lock = threading.Lock()
_futures: dict[tuple[object, ...], Future[Any]] = {}
_warned: set[tuple[Path, str]] = set()


def held(path: Path, what: str, make: Callable[[], T]) -> T:
    """The ``what`` of the file as it now is; ``make`` is called by the first that asks, the others wait for it.

    UserError if the file is gone.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise UserError(f"{path}: cannot be read any more ({error.strerror}); put it back") from None
    key = (path, what, state.st_size, state.st_mtime_ns)
    with _lock:
        future = _futures.get(key)
        mine = future is None
        if future is None:
            future = _futures[key] = Future()
    if mine:
        _fill(key, future, make)
    value: T = future.result()
    return value


def _fill(key: tuple[object, ...], future: Future[Any], make: Callable[[], Any]) -> None:
    try:
        future.set_result(make())
    except BaseException as error:
        with _lock:
            _futures.pop(key, None)  # the next one who asks tries again
        future.set_exception(error)


def warn_once(path: Path, message: str, topic: str = "colour") -> None:
    """Warn of the file, once for each topic and process until it is released."""
    with _lock:
        if (path, topic) in _warned:
            return
        _warned.add((path, topic))
    warnings.warn(message, HdmattWarning, stacklevel=2)


def release(path: Path | None = None) -> None:
    """Let go of everything held for ``path``, or for every file; open files are closed."""
    with _lock:
        gone = [key for key in _futures if path in (None, key[0])]
        values = [_futures.pop(key) for key in gone]
        _warned.difference_update([entry for entry in _warned if path in (None, entry[0])])
    for future in values:
        close = getattr(future.result(), "close", None) if future.done() and not future.exception() else None
        if close is not None:
            close()
