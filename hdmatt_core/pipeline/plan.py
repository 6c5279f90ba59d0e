"""The frozen plan of a run: passes, tiles, where every array rests, disk and peak memory, printed before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from hdmatt_core.errors import MemoryBudgetError
from hdmatt_core.pipeline.cost import table_bytes, task_bytes
from hdmatt_core.pipeline.graph import Graph, Ref
from hdmatt_core.pipeline.passes import Pass, Specs
from hdmatt_core.pipeline.sizes import format_size
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Target, Tiles

Place = Literal["disk", "memory", "remade"]
Reading = Literal["windows", "decoded", "streamed"]
Keep = Literal["all", "features", "nothing"]
"""What rests in memory between passes; other processes cannot see this one's."""

PROCESS_BYTES = 450 << 20
"""Resident memory of a process with torch, dask, zarr and the network loaded, before any pixel (measured)."""
CLIENT_BYTES = 380 << 20
"""The client of worker processes: no network, no tasks (measured)."""
BAND = 1024
DECODER_BYTES = 100 << 20
"""Rows of a streamed band, and what a streaming decoder takes beside two of them (measured)."""
DECODED_SHARE = 3
"""Inputs are decoded whole if they take at most one part in so many of the budget beside the processes."""
SLACK = 1.25
"""Allocators give memory back late and in pieces; what tasks declare is raised by this factor (measured)."""


@dataclass(frozen=True)
class Work:
    """How many tiles there are of each sort, and the fullest block of each."""

    slots: int
    queries: int
    candidates: int
    fullest: Mapping[Tiles, Target]


@dataclass(frozen=True)
class Resources:
    """What a run may use on this machine: bytes over all local processes, processes and threads in each."""

    budget: int
    processes: int  # 0: everything in this process
    threads: int
    remote: bool = False  # the workers are elsewhere: only the client counts here


@dataclass(frozen=True)
class InputPlan:
    """How an input is read: by windows, decoded once per process, or streamed into the run's store first."""

    spec: ArraySpec
    reading: Reading
    resident: int  # bytes held by each process
    window: int  # bytes taken while a window is read


@dataclass(frozen=True)
class Plan:
    """What a run will do and cost; all figures in bytes are upper bounds."""

    passes: tuple[Pass, ...]
    survey: tuple[int, ...]
    specs: Specs
    work: Work | None  # None: no stage of the pipeline cuts tiles
    places: Mapping[Ref, Place]
    inputs: Mapping[str, InputPlan]
    resources: Resources
    memory: Mapping[str, int]
    disk: int

    @property
    def peak(self) -> int:
        """Bytes resident at once over the run's local processes."""
        return sum(self.memory.values())

    @property
    def promised(self) -> int | None:
        """Bytes that one working process may hold; None where the workers are elsewhere."""
        resources = self.resources
        return None if resources.remote else self.peak // max(1, resources.processes)

    @property
    def remade(self) -> bool:
        """Whether tasks re-make the transient arrays they read, because these are not kept."""
        return "remade" in self.places.values()


@dataclass(frozen=True)
class Outline:
    """All that is settled before memory is divided."""

    graph: Graph
    specs: Specs
    passes: tuple[Pass, ...]
    survey: tuple[int, ...]
    work: Work | None
    inputs: Mapping[str, InputPlan]
    outputs: frozenset[Ref]
    writing: int  # bytes that the hungriest sink takes, alone

    def plan(self, resources: Resources, keep: Keep) -> Plan:
        """The plan that keeps so much in memory between passes."""
        places = _places(self.passes, self.survey, self.outputs, keep)
        remade = "remade" in places.values()
        task = max((self._task(p, replayed=remade) for p in self.passes), default=0)
        task += max((p.window for p in self.inputs.values()), default=0)
        processes = 0 if resources.remote else max(1, resources.processes)
        client = CLIENT_BYTES if resources.processes or resources.remote else 0
        memory = {
            "processes": PROCESS_BYTES * processes + client,
            "decoded inputs": sum(p.resident for p in self.inputs.values() if p.reading == "decoded") * processes,
            "tables": table_bytes(self.graph, self.specs, self.passes) * processes,
            "kept features": self._resting(places, "memory"),
            "tasks": max(int(task * SLACK) * processes * resources.threads, self.writing, self._streaming()),
        }
        streamed = sum(p.spec.nbytes for p in self.inputs.values() if p.reading == "streamed")
        disk = self._resting(places, "disk") + streamed
        return Plan(self.passes, self.survey, self.specs, self.work, places, self.inputs, resources, memory, disk)

    def _streaming(self) -> int:
        """Bytes taken while an input is copied into the store: a band, the shards it fills, and the decoder."""
        bands = (BAND * p.spec.row_bytes for p in self.inputs.values() if p.reading == "streamed")
        return max((2 * band + DECODER_BYTES for band in bands), default=0)

    def _resting(self, places: Mapping[Ref, Place], where: Place) -> int:
        return sum(self._array_bytes(ref) for ref, place in places.items() if place == where)

    def _array_bytes(self, ref: Ref) -> int:
        """Bytes of the rows of an array that will be filled."""
        spec = self.specs[ref]
        home = next(p for p in self.passes if ref in p.stored or ref in p.transient)
        if self.work is None or home.over != "tiles" or home.run is Tiles.ALL:
            return spec.nbytes
        queries = home.run is Tiles.QUERIES or ref in home.transient
        return spec.row_bytes * (self.work.queries if queries else self.work.candidates)

    def _task(self, step: Pass, *, replayed: bool) -> int:
        box = step.blocks()[0]
        if step.over == "pixels":
            return task_bytes(self.graph, self.specs, step, Target(box), replayed=replayed)
        if step.over == "tiles" and self.work is not None:
            return task_bytes(self.graph, self.specs, step, self.work.fullest[step.run], replayed=replayed)
        slots = tuple(step.grid.present(box.start[0], box.stop[0])) if step.grid else ()
        return task_bytes(self.graph, self.specs, step, Target(box, slots), replayed=replayed)


def choose(outline: Outline, resources: Resources) -> Plan:
    """The fastest plan within the budget: first everything in memory, then less; then fewer threads.

    Raises MemoryBudgetError with the least figure that would do.
    """
    shared = not resources.processes and not resources.remote
    levels: tuple[Keep, ...] = ("all", "features", "nothing") if shared else ("nothing",)
    plans = (
        outline.plan(replace(resources, threads=threads), keep)
        for threads in range(resources.threads, 0, -1)
        for keep in levels
    )
    least: Plan | None = None
    for plan in plans:
        if plan.peak <= resources.budget:
            return plan
        least = plan if least is None or plan.peak < least.peak else least
    if least is None:
        raise ValueError("a run needs at least one thread")
    raise MemoryBudgetError(
        f"--memory {format_size(resources.budget)}: this run needs at least {format_size(least.peak)}; "
        "give more, or fewer --workers",
        detail=[f"{name}: {format_size(size)}" for name, size in least.memory.items() if size],
    )


def read_inputs(inputs: Mapping[str, InputPlan], resources: Resources) -> dict[str, InputPlan]:
    """Inputs that must be decoded whole are streamed into the store where they would take too much of the budget."""
    processes = max(1, resources.processes)
    held = sum(p.resident for p in inputs.values()) * processes
    free = resources.budget - PROCESS_BYTES * processes
    if held <= free // DECODED_SHARE or free <= 0:  # with nothing free the plan will say so, and by how much
        return dict(inputs)
    return {n: replace(p, reading="streamed", resident=0, window=0) if p.resident else p for n, p in inputs.items()}


def _places(passes: tuple[Pass, ...], survey: tuple[int, ...], outputs: frozenset[Ref], keep: Keep) -> dict[Ref, Place]:
    """Results and tables rest on disk; what lies between rests where ``keep`` says.

    The rows that a result is blended from count as results: they are what a resumed run must not make again.
    """
    places: dict[Ref, Place] = {}
    last_tiles = max((i for i, p in enumerate(passes) if p.over == "tiles"), default=-1)
    for i, work in enumerate(passes):
        durable = i in survey or i == last_tiles or work.over != "tiles" or keep == "nothing"
        for ref in work.stored:
            places[ref] = "disk" if durable or ref in outputs else "memory"
        for ref in work.transient:
            places[ref] = "memory" if keep == "all" else "remade"
    return places
