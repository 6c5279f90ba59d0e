"""What runs the blocks of a pass, and the simplest thing that does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from hdmatt_core.runtime.events import Crew
from hdmatt_core.runtime.job import Job, Receipt
from hdmatt_core.runtime.task import run_block
from hdmatt_core.runtime.workspace import workspace


class Executor(Protocol):
    """Runs blocks of a pass and gives their receipts as they come."""

    def run(self, job: Job, index: int, blocks: Sequence[int]) -> Iterator[Receipt]: ...

    def crew(self, job: Job) -> Crew: ...


class InThisThread:
    """For a debugger: one block after the other."""

    def crew(self, job: Job) -> Crew:
        return Crew(1, 1, "")

    def run(self, job: Job, index: int, blocks: Sequence[int]) -> Iterator[Receipt]:
        workspace(job)
        for block in blocks:
            yield run_block(job.token, index, block)
