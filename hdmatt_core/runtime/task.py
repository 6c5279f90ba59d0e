"""One block of one pass: serve what the stages need, run them, check and store what they gave."""

from __future__ import annotations

import os
import socket
import sys
import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hdmatt_core.errors import StageError
from hdmatt_core.pipeline.asking import asked, needs_of
from hdmatt_core.pipeline.graph import Node, Ref
from hdmatt_core.pipeline.passes import Pass, Step, input_specs
from hdmatt_core.runtime import models
from hdmatt_core.runtime.heap import give_back
from hdmatt_core.runtime.job import Compute, Job, Receipt
from hdmatt_core.runtime.renew import renew
from hdmatt_core.runtime.serving import Served, Serving
from hdmatt_core.runtime.space import room
from hdmatt_core.runtime.watch import Watch
from hdmatt_core.runtime.workspace import Workspace, entered
from hdmatt_core.shards.writing import write_pixels
from hdmatt_core.stage import Array, Block, Gather, Target
from hdmatt_core.storage.ledger import overtaken
from hdmatt_core.storage.store import token_of


@dataclass(frozen=True)
class TaskContext:
    """What the runtime lends to one stage in one task."""

    compute: Compute
    node: str

    @property
    def device(self) -> str:
        return self.compute.device

    @property
    def dtype(self) -> str:
        return self.compute.dtype

    def network(self) -> Any:
        return models.network(self.compute)

    def random(self, slot: int) -> np.random.Generator:
        return np.random.default_rng([self.compute.seed, zlib.crc32(self.node.encode()), slot])


def run_block(token: str, index: int, block: int) -> Receipt:
    """Make block ``block`` of pass ``index`` of the run ``token`` and store it; the receipt names what was done."""
    space = entered(token)
    job, work = space.job, space.job.plan.passes[index]
    target = space.target(index, block)
    task = Task(job, space, work, target)
    if space.enters(index):
        give_back(0)  # what the pass before left lies in pieces that this one does not fit into
    try:
        with room(job.arrays.parent):
            served = space.served(work)
            done = renew(task, served, block) if served else task.run()
    except FileNotFoundError:
        task.still_ours()  # a store that is begun anew takes the files along that a task is writing
        raise
    finally:
        give_back(job.plan.promised)
    return _receipt(index, block, task, done)


def run_blocks(token: str, index: int, blocks: Sequence[int]) -> list[Receipt]:
    """``run_block`` of one after the other, up to one that fails: its fault is raised where it is the first."""
    receipts: list[Receipt] = []
    for block in blocks:
        try:
            receipts.append(run_block(token, index, block))
        except Exception:
            if not receipts:
                raise
            break
    return receipts


def _receipt(index: int, block: int, task: Task, done: Task | None) -> Receipt:
    """What was ``done`` of the task: all of it, a part, or nothing."""
    tiles = len(done.target.slots) if done else 0
    again, same = tiles if done and done.again else 0, len(task.target.slots) - tiles
    watch = task.watch
    return Receipt(index, block, tiles, done is not None, again, same, watch.began, *watch.seconds, *_worker())


class Task(Serving):
    """One block of one pass in this process."""

    def __init__(self, job: Job, space: Workspace, work: Pass, target: Target) -> None:
        super().__init__(job, space, target)
        self.work = work
        self.block = target.box.start[0] // work.grid.block if work.grid else 0
        self.ready: dict[str, Mapping[str, Served]] = {}  # read already, by stage and port
        self.same: tuple[int, ...] = ()  # tiles of the block whose rows stay as they are
        self.again = False
        self.watch = Watch()

    @property
    def empty(self) -> bool:
        """Whether there is no tile to make: the block is cleared of what an earlier generation made."""
        return self.work.over == "tiles" and not self.target.slots

    def run(self) -> Task:
        if not self.empty:
            self.make()
        self.still_ours()
        with self.watch.writing:
            for ref in self.work.stored:
                self._store(ref)
            self._keep()
        return self

    def still_ours(self) -> None:
        """UserError where the store is another run's by now."""
        if token_of(self.job.arrays.parent) != self.job.begun:
            raise overtaken(self.job.arrays.parent)

    def narrowed(self, slots: tuple[int, ...]) -> Task:
        """The task for some of its tiles alone, with what was read and made for all."""
        part = Task(self.job, self.space, self.work, Target(self.target.box, slots))
        rows = [self.target.slots.index(slot) for slot in slots]
        part.made = {ref: made[rows] for ref, made in self.made.items()}
        part.windows, part.watch = self.windows, self.watch
        return part

    def make(self) -> None:
        """Run the stages, in order; what they give is in ``made``, nothing is stored."""
        self._inherit()
        for step in (*(self.work.replay if self.again else ()), *self.work.steps):
            if not all(Ref(step.node, port) in self.made for port in step.wanted):
                self.step(step)

    def _inherit(self) -> None:
        """Take the transient rows that this process kept for the block; if there are none they are made again."""
        wanted = self.job.inherited(self.work)
        kept = self.space.kept.get(self.block, self.target.slots, wanted) if wanted else {}
        self.again = kept is None
        self.made |= kept or {}

    def _keep(self) -> None:
        """Keep the transient rows that a later pass will read; let go of those that no later pass reads."""
        if self.work.transient and not self.empty:
            slots, rows = self.space.read_later(self.work, self.target.slots)
            self.space.kept.put(self.block, slots, {ref: self.made[ref][rows] for ref in self.work.transient})
        elif self.job.inherited(self.work) and self.job.last_reader(self.work):
            self.space.kept.drop(self.block)

    def step(self, step: Step) -> None:
        """Run one stage; what it gives is in ``made``."""
        node = self.job.graph.nodes[step.node]
        if self.job.compute.weights:  # then torch is there, and stages without the network may use it too
            models.single_threaded()
        with self.watch.reading:
            block = self.block_of(node, step)
        context = TaskContext(self.job.compute, node.name)
        place = f"pass '{self.work.name}', {self.target.box}"
        with self.watch.computing:
            made = asked(node, "run", lambda: _by_port(node.stage.run(block, context)), place)
        for port in step.wanted:
            self.made[Ref(node.name, port)] = self._checked(node, port, made)

    def block_of(self, node: Node, step: Step) -> Block:
        """What the stage is given."""
        specs = input_specs(node, self.job.plan.specs)
        requests = needs_of(node, self.target, specs)
        arrays: dict[str, Served] = {}
        ready = self.ready.pop(node.name, {})
        for port, request in sorted(requests.items(), key=lambda item: isinstance(item[1], Gather)):
            arrays[port] = ready[port] if port in ready else self.serve(request, node, port, arrays)
        return Block(self.target, specs, arrays, step.wanted)

    def _checked(self, node: Node, port: str, made: Mapping[str, Array]) -> Array:
        spec = self.job.plan.specs[Ref(node.name, port)]
        shape = (
            (len(self.target.slots), *spec.shape[1:])
            if spec.over_tiles
            else (*self.target.box.shape, *spec.shape[len(self.target.box.shape) :])
        )
        given = made.get(port)
        if not isinstance(given, np.ndarray) or given.shape != shape or given.dtype != np.dtype(spec.dtype):
            other = "nothing" if given is None else type(given).__name__
            gave = f"{given.dtype} {given.shape}" if isinstance(given, np.ndarray) else other
            raise StageError(
                f"{_described(node)}, output '{port}': "
                f"promised {spec.dtype} {shape}, gave {gave}; this is a fault of that distribution"
            )
        return given

    def _store(self, ref: Ref) -> None:
        if self.job.plan.specs[ref].over_tiles:
            self.space.write_rows(ref, self.target, self.made.get(ref), self.same)
        else:
            write_pixels(self.space.array(ref), self.target.box, self.made[ref])


def _by_port(made: Mapping[str, Array]) -> Mapping[str, Array]:
    if not isinstance(made, Mapping):
        raise TypeError(f"run gave {type(made).__name__} instead of an array by port")
    return made


def _described(node: Node) -> str:
    return f"stage '{node.name}' ({node.type.name} of {node.type.distribution})"


def _worker() -> tuple[str, str]:
    """Host, process and thread for people; the address for the client, empty outside of dask."""
    name = f"{socket.gethostname()}/{os.getpid()}/{threading.get_native_id()}"
    distributed = sys.modules.get("distributed")
    try:
        return name, distributed.get_worker().address if distributed else ""
    except ValueError:
        return name, ""
