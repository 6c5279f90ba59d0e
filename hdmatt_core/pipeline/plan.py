"""The frozen plan of a run: passes, tiles, where every array rests, disk and peak memory, printed before it starts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from hdmatt_core.errors import MemoryBudgetError
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.pipeline.cost import table_bytes, task_bytes
from hdmatt_core.pipeline.graph import Graph, Ref
from hdmatt_core.pipeline.inputs import InputPlan
from hdmatt_core.pipeline.passes import Pass, Specs
from hdmatt_core.pipeline.resources import CLIENT_BYTES, PROCESS_BYTES, Resources
from hdmatt_core.pipeline.sizes import format_size
from hdmatt_core.stage import Target, Tiles

Place = Literal["disk", "memory"]
"""What rests on disk outlives every process; what rests in memory is made again where its process is gone."""

KEPT = "kept between passes"
KEPT_SHARE = 8
"""Rows are kept in memory if they take no more than one part in so many of the budget, all or none: files cost little
more, a part in memory takes room from tasks and spares a large picture next to nothing."""
SLACK = 1.4
"""Allocators give memory back late and in pieces; what tasks declare is raised by this factor (measured)."""


@dataclass(frozen=True)
class Work:
    """How many tiles of the finest grid there are of each sort, and the fullest block of each sort and grid."""

    slots: int
    queries: int  # that are matted
    candidates: int  # that are encoded
    outside: int  # queries that the run's region does not need
    tiles: Mapping[str, int]  # made of the arrays over tiles, by pass
    fullest: Mapping[tuple[Tiles, Grid], Target]
    pixels: Mapping[str, int]  # made of the arrays of pixels, by pass


@dataclass(frozen=True)
class Plan:
    """What a run will do and cost; all figures in bytes are upper bounds."""

    passes: tuple[Pass, ...]
    survey: tuple[int, ...]
    specs: Specs
    work: Work | None  # None: no stage of the pipeline cuts tiles
    places: Mapping[Ref, Place]
    inputs: Mapping[str, InputPlan]
    region: Box | None  # all that is made of the outputs; None: the whole
    resources: Resources
    memory: Mapping[str, int]
    disk: int
    between: int  # bytes that all processes would keep between passes if there were room
    alone: int  # bytes of one worker before its first task
    task: int  # bytes of the hungriest task

    @property
    def peak(self) -> int:
        """Bytes resident at once over the run's local processes."""
        return sum(self.memory.values())

    @property
    def promised(self) -> int | None:
        """Bytes that one working process may hold; None where the workers are elsewhere."""
        resources = self.resources
        return None if resources.remote else self.peak // max(1, resources.processes)

    def needed(self, threads: int) -> int:
        """Bytes without which a worker of so many threads cannot do its part, wherever it is."""
        return self.alone + threads * self.task

    @property
    def keep(self) -> int:
        """Bytes that all local processes together keep between passes."""
        return self.memory[KEPT]

    @property
    def keeps(self) -> bool:
        """Whether the transient arrays are kept in memory."""
        return self.keep >= self.between

    @property
    def spilled(self) -> int:
        """Bytes of them that go to files if the disk has room beside ``disk``; without, they are made again."""
        return 0 if self.resources.remote else max(0, self.between - self.keep)


@dataclass(frozen=True)
class Outline:
    """All that is settled before memory is divided."""

    graph: Graph
    specs: Specs
    passes: tuple[Pass, ...]
    survey: tuple[int, ...]
    work: Work | None
    inputs: Mapping[str, InputPlan]
    region: Box | None
    writing: int  # bytes that the hungriest sink takes, alone

    def plan(self, resources: Resources) -> Plan:
        """The plan that keeps rows between passes in memory if the budget leaves room for them."""
        places = _places(self.passes)
        task = max((self._task(p) for p in self.passes), default=0)
        task += max((p.window for p in self.inputs.values()), default=0)
        task = int(task * SLACK)
        decoded = sum(p.resident for p in self.inputs.values() if p.reading == "decoded")
        rows = self.work.tiles if self.work else {}
        tables = table_bytes(self.graph, self.specs, self.passes, rows)
        processes = 0 if resources.remote else max(1, resources.processes)
        client = CLIENT_BYTES if resources.processes or resources.remote else 0
        memory = {
            "processes": PROCESS_BYTES * processes + client,
            "decoded inputs": decoded * processes,
            "tables": tables * processes,
            "tasks": max(task * processes * resources.threads, self.writing, self._streaming()),
        }
        disk = self._resting(places, "disk") + sum(p.copied for p in self.inputs.values())
        between = self._resting(places, "memory")
        room = 0 if resources.remote else max(0, resources.budget - sum(memory.values()))
        memory[KEPT] = between if between <= min(room, resources.budget // KEPT_SHARE) else 0
        return Plan(
            self.passes,
            self.survey,
            self.specs,
            self.work,
            places,
            self.inputs,
            self.region,
            resources,
            memory,
            disk,
            between,
            alone=PROCESS_BYTES + decoded + tables,
            task=task,
        )

    def _streaming(self) -> int:
        """Bytes taken while an input is copied into the store."""
        return max((p.streaming for p in self.inputs.values() if p.streamed), default=0)

    def _resting(self, places: Mapping[Ref, Place], where: Place) -> int:
        return sum(self._array_bytes(ref) for ref, place in places.items() if place == where)

    def _array_bytes(self, ref: Ref) -> int:
        """Bytes of the rows of an array that will be filled."""
        spec = self.specs[ref]
        home = next(p for p in self.passes if ref in p.stored or ref in p.transient)
        if self.work is not None and home.over == "pixels":
            return spec.nbytes // math.prod(spec.shape[:2]) * self.work.pixels[home.name]
        if self.work is None or home.over != "tiles" or home.run is Tiles.ALL:
            return spec.nbytes
        return spec.row_bytes * (self.work.queries if ref in home.transient else self.work.tiles[home.name])

    def _task(self, step: Pass) -> int:
        """A task of the pass that makes transient rows again: any may have to, after a crash."""
        box = step.blocks()[0]
        if step.over == "pixels":
            return task_bytes(self.graph, self.specs, step, Target(box))
        if step.grid is not None and step.over == "tiles" and self.work is not None:
            return task_bytes(self.graph, self.specs, step, self.work.fullest[step.run, step.grid])
        slots = tuple(step.grid.present(box.start[0], box.stop[0])) if step.grid else ()
        return task_bytes(self.graph, self.specs, step, Target(box, slots))


def choose(outline: Outline, resources: Resources) -> Plan:
    """The fastest plan within the budget: with all threads if it holds them, otherwise with fewer.

    Raises MemoryBudgetError with the least figure that would do.
    """
    for threads in range(resources.threads, 0, -1):
        least = outline.plan(replace(resources, threads=threads))
        if least.peak <= resources.budget:
            return least
    raise MemoryBudgetError(
        f"--memory {format_size(resources.budget)}: this run needs at least {format_size(least.peak)}; "
        "give more, or fewer --workers",
        detail=[f"{name}: {format_size(size)}" for name, size in least.memory.items() if size],
    )


def _places(passes: tuple[Pass, ...]) -> dict[Ref, Place]:
    """Whatever is stored rests on disk, so that no finished block is ever made again; transient rows in memory."""
    rest: list[tuple[Ref, Place]] = []
    for work in passes:
        rest += [(ref, "disk") for ref in work.stored]
        rest += [(ref, "memory") for ref in work.transient]
    return dict(rest)
