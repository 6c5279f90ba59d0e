"""What a run would do and cost, found out without doing it: the plan, what is read, and how long it would take."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from hdmatt_core.pipeline.passes import finest
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.runtime.calibrate import seconds_by_pass
from hdmatt_core.runtime.planning import job_of, planned_apart
from hdmatt_core.runtime.reading import bytes_read
from hdmatt_core.runtime.request import Request
from hdmatt_core.stage import Tiles


@dataclass(frozen=True)
class Forecast:
    """A plan and what it entails."""

    plan: Plan
    reads: Mapping[str, int]  # decoded bytes, at most, of every input by name, and of the run's store
    counting: float  # seconds that counting the tiles took
    seconds: Mapping[str, float]  # of one thread, by pass; empty if nobody asked
    device: str

    @property
    def time(self) -> float | None:
        """Seconds from the first to the last block with all threads, and for counting; None if nobody asked."""
        return self.counting + sum(self.seconds.values()) / self.threads if self.seconds else None

    @property
    def threads(self) -> int:
        """Threads of all processes together."""
        return self.plan.resources.threads * max(1, self.plan.resources.processes)

    @property
    def encoding(self) -> float:
        """Seconds, with all threads, of the passes over candidates."""
        over = [work.name for work in self.plan.passes if work.over == "tiles" and work.run is Tiles.CANDIDATES]
        return sum(self.seconds.get(name, 0.0) for name in over) / self.threads

    @property
    def everybody(self) -> int:
        """Tiles that would be encoded if all were candidates for context."""
        grid = finest(self.plan.passes)
        return math.prod(grid.counts) if grid else 0


def forecast(request: Request, *, timed: bool = False) -> Forecast:
    """Plan, and add up what would be read; ``timed`` also puts a block of made-up tiles through the pipeline.

    Reads the trimap to count tiles, writes nothing that stays.
    """
    began = time.perf_counter()
    with planned_apart(request) as (prepared, store, plan):
        counting = time.perf_counter() - began
        reads = bytes_read(job_of(prepared, store, plan))
    seconds = seconds_by_pass(prepared, plan) if timed else {}
    return Forecast(plan, reads, counting, seconds, prepared.compute.device)
