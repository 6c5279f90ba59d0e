"""Progress where there is no terminal, in the log of a batch job: a line now and then, over all workers together."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from hdmatt_core.runtime.events import BlockDone, BlockKept, Crew, Event, PassStarted, Updated, Waiting

EVERY = 30.0
"""Seconds between two lines."""


class Lines:
    """A listener that writes how far the pass is, its rate and the time left; short runs write nothing."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._clock = out, clock
        self._said = clock()
        self._begun, self._total, self._done = self._said, 0, 0
        self._unit = "blocks"
        self._workers: set[str] = set()

    def __call__(self, event: Event) -> None:
        match event:
            case Waiting(scheduler, seconds):
                self._say(f"waiting for workers at {scheduler}, at most {seconds:.0f} s")
            case Crew(workers, threads, dashboard) if dashboard:
                self._say(crew(workers, threads, dashboard))
            case PassStarted(_, blocks, _, tiles):
                self._begun, self._done = self._clock(), 0
                self._total, self._unit = (tiles, "tiles") if tiles else (blocks, "blocks")
                self._workers.clear()
            case BlockDone():
                self._done += event.tiles + event.same if self._unit == "tiles" else 1
                self._workers.add(event.worker.rpartition("/")[0])
                if self._clock() - self._said >= EVERY:
                    self._say(self._progress(event.name))
            case BlockKept():
                self._done += event.tiles if self._unit == "tiles" else 1
            case Updated():
                self._say(updated(event))

    def _progress(self, name: str) -> str:
        rate = self._done / max(self._clock() - self._begun, 1e-9)
        left = time_left((self._total - self._done) / rate) if rate else "?"
        count = len(self._workers)
        by = f"{count} process" if count == 1 else f"{count} processes"
        return f"{name}: {self._done} of {self._total} {self._unit}, {rate:.1f}/s, {left} left, {by}"

    def _say(self, line: str) -> None:
        print(line, file=self._out, flush=True)
        self._said = self._clock()


def updated(event: Updated) -> str:
    """``encode: 16 of 63 tiles made again``."""
    again = f", {event.again} of them through {event.through}" if event.again else ""
    return f"{event.name}: {event.made} of {event.of} {event.unit} made again{again}"


def crew(workers: int, threads: int, dashboard: str) -> str:
    """``2 workers, 8 threads; dask's page: http://...``."""
    count = "1 worker" if workers == 1 else f"{workers} workers"
    return f"{count}, {threads} thread{'' if threads == 1 else 's'}; dask's page: {dashboard}"


def time_left(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
