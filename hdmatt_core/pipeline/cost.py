"""What one task and one process will hold, in bytes: the arithmetic behind the memory promise."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from hdmatt_core.geometry import Box
from hdmatt_core.pipeline.asking import needs_of, scratch_of
from hdmatt_core.pipeline.graph import Graph, Node, Ref
from hdmatt_core.pipeline.passes import Pass, Specs, Step, input_specs
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import All, Gather, Own, Request, Rows, Target, Window
from hdmatt_core.storage.layout import shard_shape

PAGE = 4096
READ_COPIES = 2
"""A window is held twice while it is read: the decoded chunks, and the piece cut from them."""


def task_bytes(graph: Graph, specs: Specs, work: Pass, target: Target) -> int:
    """Bytes alive at once in one task of ``work`` for ``target``: inputs, outputs, scratch and write buffers.

    The task is taken to make the transient rows that it reads again: any may have to, once a process has died.
    """
    steps = (*work.replay, *work.steps)
    made = {Ref(step.node, port) for step in steps for port in step.wanted}
    held = scratch = 0
    windows: set[tuple[Ref, Box]] = set()
    for step in steps:
        node = graph.nodes[step.node]
        inputs = input_specs(node, specs)
        for port, request in needs_of(node, target, inputs).items():
            ref = node.wires[port]
            if isinstance(request, Window | Own) and _window_key(ref, request, target) in windows:
                continue
            windows.add(_window_key(ref, request, target))
            held += _input_bytes(request, ref, inputs, port, target, made)
        held += _output_bytes(node, step, specs, target)
        scratch = max(scratch, scratch_of(node, target, inputs))
    buffers = sum(_shard_bytes(specs[ref]) for ref in work.stored)
    return held + scratch + buffers


def table_bytes(graph: Graph, specs: Specs, passes: tuple[Pass, ...], rows: Mapping[str, int]) -> int:
    """Bytes of the whole tables that stages ask for, held once by every process.

    ``rows`` tells how many are made by pass, where that is known; the others take no memory.
    """
    tables: set[Ref] = set()
    for work in passes:
        for step in work.steps:
            node = graph.nodes[step.node]
            target = Target(*_probe(work))
            for port, request in needs_of(node, target, input_specs(node, specs)).items():
                if isinstance(request, All):
                    tables.add(node.wires[port])
    homes = {ref: work for work in passes for ref in (*work.stored, *work.transient)}
    return sum(_rows_bytes(specs[ref], rows.get(homes[ref].name) if ref in homes else None) for ref in tables)


def _rows_bytes(spec: ArraySpec, rows: int | None) -> int:
    """Bytes of so many rows of a table: what the machine gives for a row is whole pages."""
    return spec.nbytes if rows is None else min(spec.nbytes, rows * (spec.row_bytes + PAGE))


def _probe(work: Pass) -> tuple[Box, tuple[int, ...]]:
    box = work.blocks()[0]
    if work.grid is None:
        return box, ()
    return box, tuple(work.grid.present(box.start[0], box.stop[0]))


def _window_key(ref: Ref, request: Request, target: Target) -> tuple[Ref, Box]:
    return ref, request.box if isinstance(request, Window) else target.box


def _input_bytes(
    request: Request, ref: Ref, inputs: Mapping[str, ArraySpec], port: str, target: Target, made: set[Ref]
) -> int:
    spec = inputs[port]
    rows = len(target.slots)
    match request:
        case Own() if ref in made:
            return 0
        case Own():
            return rows * spec.row_bytes if spec.over_tiles else READ_COPIES * _pixel_bytes(spec, target.box)
        case Window(box):
            return READ_COPIES * _pixel_bytes(spec, box)
        case Rows(slots):
            return READ_COPIES * len(slots) * spec.row_bytes
        case Gather(index):
            return (rows + READ_COPIES * rows * inputs[index].shape[-1]) * spec.row_bytes
        case All():
            return 0


def _output_bytes(node: Node, step: Step, specs: Specs, target: Target) -> int:
    total = 0
    for port in step.wanted:
        spec = specs[Ref(node.name, port)]
        total += len(target.slots) * spec.row_bytes if spec.over_tiles else _pixel_bytes(spec, target.box)
    return total


def _pixel_bytes(spec: ArraySpec, box: Box) -> int:
    return math.prod(box.shape) * math.prod(spec.shape[2:]) * np.dtype(spec.dtype).itemsize


def _shard_bytes(spec: ArraySpec) -> int:
    """A dense shard before it is written, and its encoded copy."""
    return 2 * math.prod(shard_shape(spec)) * np.dtype(spec.dtype).itemsize
