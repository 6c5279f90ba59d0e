"""Looking into a run: what the stages are given and make for one tile, by the run's own plan and code."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.pipeline.graph import Graph, Node, Ref
from hdmatt_core.pipeline.passes import Pass, Specs, Step, first_spec
from hdmatt_core.runtime.cluster import executor
from hdmatt_core.runtime.events import Listener, unheard
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.planning import job_of, surveyed_while_decoding
from hdmatt_core.runtime.prepare import prepare
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.space import check_disk
from hdmatt_core.runtime.task import Task, TaskContext
from hdmatt_core.runtime.work import create_arrays, finish
from hdmatt_core.runtime.workspace import Workspace, release, workspace
from hdmatt_core.stage import Array, Block, Context, Target
from hdmatt_core.storage.store import RunStore


@dataclass(frozen=True)
class Sight:
    """One tile: what each stage of its task was given, and the arrays that were made, one row each."""

    blocks: Mapping[str, Block]
    made: Mapping[Ref, Array]


class Probe:
    """A run that has come as far as one stage; its tiles are made one at a time, and nothing of them is stored."""

    def __init__(self, job: Job) -> None:
        self._job, self._space = job, workspace(job)

    @property
    def graph(self) -> Graph:
        return self._job.graph

    @property
    def space(self) -> Workspace:
        """Windows of inputs, tables and rows of what was made so far."""
        return self._space

    def only(self, kind: str) -> Node:
        """The pipeline's one stage of ``kind``; see ``stage_of``."""
        return stage_of(self.graph, self._job.plan.specs, kind)

    def look(self, node: Node, slot: int) -> Sight:
        """Make the tile in ``slot`` by the pass of ``node``, as a task of the run would, with all its stages' outputs.

        The node is the one that the run has come to, or an earlier one.
        """
        work = _telling(self._job.home(Ref(node.name)), self.graph)
        task = _Watched(self._job, self._space, work, Target(Box((slot,), (slot + 1,)), (slot,)))
        task.make()
        return Sight(task.blocks, task.made)

    def context(self, node: Node) -> Context:
        """What the runtime lends to the stage."""
        return TaskContext(self._job.compute, node.name)


@contextmanager
def probing(request: Request, kind: str, listener: Listener = unheard) -> Iterator[Probe]:
    """Run ``request`` as far as its stage of ``kind`` waits for, then let that stage's tiles be looked at.

    The run's store is temporary. Raises UserError as a run does, and where the pipeline has no such stage.
    """
    prepared = prepare(request)
    name = stage_of(prepared.graph, prepared.specs, kind).name
    with request.temporary("hdmatt-look-") as folder, RunStore(Path(folder) / "look.run") as store:
        store.begin(prepared.fingerprint(), "")
        plan = surveyed_while_decoding(prepared, store)
        check_disk(plan, store)
        job = job_of(prepared, store, plan)
        index = next(i for i, p in enumerate(plan.passes) if any(step.node == name for step in p.steps))
        try:
            _before(job, index, store, request, listener)
            yield Probe(job)
        finally:
            release(job.token)
            for source in prepared.sources.values():
                source.close()


def stage_of(graph: Graph, specs: Specs, kind: str) -> Node:
    """The one stage of ``kind`` that works on the largest picture; UserError if there is none, or if there are several.

    A pipeline may look at a reduced picture first.
    """
    found = [node for node in graph.nodes.values() if node.type.stage.kind == kind]
    sizes = [math.prod(grid.shape) if (grid := first_spec(node, specs).grid) else 0 for node in found]
    found = [node for node, size in zip(found, sizes, strict=True) if size == max(sizes)]
    if len(found) != 1:
        what = f"{len(found)} stages" if found else "no stage"
        raise UserError(f"{graph.document.file}: there is {what} of kind '{kind}'; it takes a pipeline with one")
    return found[0]


def _before(job: Job, last: int, store: RunStore, request: Request, listener: Listener) -> None:
    """Do the passes that the pass ``last`` waits for."""
    passes, needed = job.plan.passes, [last]
    for index in reversed(range(last)):
        if any(_reads(job.graph, passes[later], passes[index]) for later in needed):
            needed.insert(0, index)
    with executor(job.plan.resources, scheduler=request.scheduler, synchronous=request.synchronous) as on:
        for index in needed[:-1]:
            create_arrays(store, job, index)
            finish(on, job, index, store, listener, list)


def _reads(graph: Graph, later: Pass, work: Pass) -> bool:
    made = {step.node for step in work.steps}
    return any(ref.node in made for step in later.steps for ref in graph.nodes[step.node].wires.values())


def _telling(work: Pass, graph: Graph) -> Pass:
    """The pass with every output of its stages wanted, those that no stage reads included."""
    steps = (Step(step.node, frozenset(graph.nodes[step.node].stage.outputs)) for step in work.steps)
    return replace(work, steps=tuple(steps))


class _Watched(Task):
    """A task that remembers what its stages were given; a task of a run must not, for the sake of memory."""

    def __init__(self, job: Job, space: Workspace, work: Pass, target: Target) -> None:
        super().__init__(job, space, work, target)
        self.blocks: dict[str, Block] = {}

    def block_of(self, node: Node, step: Step) -> Block:
        self.blocks[node.name] = super().block_of(node, step)
        return self.blocks[node.name]
