"""How much memory the run's processes on this machine hold, looked at all the while: what was promised is checked."""

from __future__ import annotations

import threading
import time

import psutil

from hdmatt_core.runtime.events import Memory

EVERY = 0.5
"""Seconds between two looks: some microseconds for one process, milliseconds where others have to be found."""
TOLD = 1.0
"""Seconds between two events, at the least."""


class Gauge:
    """Remembers the highest sum of resident bytes of this process and, with ``family``, of those it started."""

    def __init__(self, *, family: bool) -> None:
        self._family = family
        self._highest, self._told = 0, float("-inf")
        self._busy, self._end = threading.Lock(), threading.Event()
        self._looking = threading.Thread(target=self._look_on, name="hdmatt-gauge", daemon=True)

    def __enter__(self) -> Gauge:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._looking.join()

    @property
    def due(self) -> bool:
        """Whether the last reading is a while ago."""
        return time.monotonic() - self._told >= TOLD

    def read(self) -> Memory:
        """The most since the last reading."""
        self._look()
        with self._busy:
            most, self._highest = self._highest, 0
        self._told = time.monotonic()
        return Memory(most)

    def _look_on(self) -> None:
        while not self._end.wait(EVERY):
            self._look()

    def _look(self) -> None:
        held = resident(family=self._family)
        with self._busy:
            self._highest = max(self._highest, held)


def resident(*, family: bool) -> int:
    """Resident bytes of this process and, with ``family``, of all that descend from it."""
    here = psutil.Process()
    return sum(_held(process) for process in (here, *(here.children(recursive=True) if family else ())))


def _held(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it is gone
        return 0
