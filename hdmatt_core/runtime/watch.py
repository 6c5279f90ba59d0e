"""How long a task reads, computes and writes."""

from __future__ import annotations

import time


class Stopwatch:
    """Adds up the seconds spent inside of ``with``."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since = 0.0

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._since


class Watch:
    """The three stopwatches of a task that begins now; ``began`` is seconds since the epoch."""

    def __init__(self) -> None:
        self.began = time.time()
        self.reading, self.computing, self.writing = Stopwatch(), Stopwatch(), Stopwatch()

    @property
    def seconds(self) -> tuple[float, float, float]:
        """Reading, computing, writing."""
        return self.reading.seconds, self.computing.seconds, self.writing.seconds
