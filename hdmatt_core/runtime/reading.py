"""How much a run will read, by what its stages ask for: windows of inputs, and rows of its own store."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from hdmatt_core.geometry import Box
from hdmatt_core.pipeline.asking import needs_of
from hdmatt_core.pipeline.graph import Node, Ref
from hdmatt_core.pipeline.passes import Pass, input_specs
from hdmatt_core.pipeline.reach import touching
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.workspace import Workspace, known_value, release, workspace
from hdmatt_core.stage import Gather, Own, Request, Rows, Target, Window

STORE = ""
"""Stands among the names of inputs for the run's own store."""


def bytes_read(job: Job) -> Counter[str]:
    """Decoded bytes of every input, and of the run's store, that all tasks together read; its tiles are counted."""
    space, read = workspace(job), Counter[str]()
    try:
        for index, work in enumerate(job.plan.passes):
            for block in touching(space.blocks(index), space.part(work)):
                read += _of_task(space, work, space.target(index, block), counting=index in job.plan.survey)
    finally:
        release(job.token)
    return read


def _of_task(space: Workspace, work: Pass, target: Target, *, counting: bool) -> Counter[str]:
    """Windows that stages of a task share are read once; what the table of tiles knows is read when it is made."""
    read, seen = Counter[str](), set[tuple[Ref, Box]]()
    for node, port, request in _requests(space, work, target):
        ref, spec = node.wires[port], space.spec(node.wires[port])
        if spec.over_tiles:
            read[STORE] += _rows(space, node, port, request, target) * spec.row_bytes
            continue
        box = (request.box if isinstance(request, Window) else target.box).within(spec.shape[:2])
        if (ref, box) not in seen and (counting or known_value(space, ref, box) is None):
            pixel = math.prod(spec.shape[2:]) * np.dtype(spec.dtype).itemsize
            read[STORE if ref.port else ref.node] += math.prod(box.shape) * pixel
        seen.add((ref, box))
    return read


def _requests(space: Workspace, work: Pass, target: Target) -> Iterator[tuple[Node, str, Request]]:
    """What the stages of a task ask for, but for what they give each other."""
    made = {step.node for step in work.steps}
    for step in work.steps:
        node = space.job.graph.nodes[step.node]
        for port, request in needs_of(node, target, input_specs(node, space.job.plan.specs)).items():
            if node.wires[port].node not in made:
                yield node, port, request


def _rows(space: Workspace, node: Node, port: str, request: Request, target: Target) -> int:
    """Rows of an array on disk; tables are read once by each process and are no matter."""
    ref = node.wires[port]
    grid = space.spec(ref).grid
    match request:
        case Own() if space.job.plan.places.get(ref) == "disk":
            return len(target.slots)
        case Rows(slots) if grid is not None:
            return int(space.slots(space.job.home(ref))[list(slots)].sum())
        case Gather(index):
            return len(target.slots) * (1 + space.spec(node.wires[index]).shape[-1])
    return 0
