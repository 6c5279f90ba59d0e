"""What a block would be made from now, as digests: everything is read, and nothing costly computed.

A digest is of all bytes that the stages of the task are served. Rows that the task would make on its way are left out,
since what they are made from is in it; so are transient rows, for the stages that make them again. A stage that reads
a whole table, or says which rows are gathered, is run instead, and what it gives goes in: any edit changes a table of
all tiles somewhere, but seldom what a tile makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from hdmatt_core.pipeline.asking import needs_of
from hdmatt_core.pipeline.graph import Node, Ref
from hdmatt_core.pipeline.passes import Step, input_specs
from hdmatt_core.runtime.serving import Served
from hdmatt_core.stage import All, Array, Gather, Gathered, Own, Request, TileRows, Window
from hdmatt_core.storage.served import SIZE, Digests

if TYPE_CHECKING:
    from hdmatt_core.runtime.task import Task


class Look:
    """Looks at one task, which is left with what was read and told on the way."""

    def __init__(self, task: Task) -> None:
        self._task, self._specs = task, task.job.plan.specs
        self._steps = (*task.work.replay, *task.work.steps)
        self._inner = frozenset(Ref(step.node, port) for step in self._steps for port in step.wanted)
        self._told: frozenset[Ref] = frozenset()
        self._large: dict[tuple[Ref, Request], bytes] = {}

    def digests(self) -> Digests:
        """The digests (units, 16) of the block: of each of its tiles, 0 where none is made, or of all of it."""
        task, units = self._task, self._task.job.units(self._task.work)
        found = np.zeros((units, SIZE), np.uint8)
        if task.empty:
            return found
        self._tell()
        with task.watch.reading:
            if units == 1:
                found[0] = self._digest(task)
                return found
            own = self._own()
            for row, slot in enumerate(task.target.slots):
                one = task.narrowed((slot,))
                one.made |= {ref: rows[row : row + 1] for ref, rows in own.items()}
                found[slot - task.target.box.start[0]] = self._digest(one)
        return found

    def _tell(self) -> None:
        """Run the stages of which the outcome counts."""
        for step in self._task.work.steps:
            if self._tells(step):
                self._task.step(step)
                self._told = frozenset(self._task.made)

    def _tells(self, step: Step) -> bool:
        node = self._node(step)
        requests = self._requests(node, self._task)
        named = {
            self._node(other).wires[request.index]
            for other in self._task.work.steps
            for request in self._requests(self._node(other), self._task).values()
            if isinstance(request, Gather)
        }
        counts = any(isinstance(request, All) for request in requests.values()) or any(
            Ref(step.node, port) in named for port in step.wanted
        )
        there = all(node.wires[port] in self._told or node.wires[port] not in self._inner for port in requests)
        return counts and there and not node.stage.uses_network

    def _own(self) -> dict[Ref, Array]:
        """The block's own rows that rest in arrays, read for all tiles at once."""
        own: dict[Ref, Array] = {}
        for step in self._steps:
            node = self._node(step)
            for port, request in self._requests(node, self._task).items():
                ref = node.wires[port]
                if isinstance(request, Own | Gather) and ref not in self._inner and self._specs[ref].over_tiles:
                    own[ref] = self._task.own(ref)
        return own

    def _digest(self, task: Task) -> Digests:
        digest = blake2b(repr(task.target).encode(), digest_size=SIZE)
        for step in self._steps:
            made = [Ref(step.node, port) for port in sorted(step.wanted)]
            if made and self._told.issuperset(made):
                for ref in made:
                    _feed(digest, task.made[ref])
            else:
                self._served(digest, task, self._node(step))
        return np.frombuffer(digest.digest(), np.uint8)

    def _served(self, digest: Any, task: Task, node: Node) -> None:
        """Feed what the stage would be served, as far as the task would not make it itself."""
        arrays: dict[str, Served] = {}
        for port, request in _indices_first(self._requests(node, task)):
            ref = node.wires[port]
            if ref in self._inner - self._told:
                continue
            if isinstance(request, Gather) and request.index not in arrays:
                digest.update(task.job.token.encode())  # which rows, the task would learn by computing: never the same
            elif isinstance(request, Window | All):
                digest.update(self._once(task, ref, request, node, port))
            else:
                arrays[port] = task.serve(request, node, port, arrays)
                _feed(digest, arrays[port])
        if task is self._task:
            task.ready[node.name] = arrays

    def _once(self, task: Task, ref: Ref, request: Request, node: Node, port: str) -> bytes:
        """The digest of a window or table, which many tiles share."""
        if (ref, request) not in self._large:
            digest = blake2b(digest_size=SIZE)
            _feed(digest, task.serve(request, node, port, {}))
            self._large[ref, request] = digest.digest()
        return self._large[ref, request]

    def _node(self, step: Step) -> Node:
        return self._task.job.graph.nodes[step.node]

    def _requests(self, node: Node, task: Task) -> dict[str, Request]:
        return dict(needs_of(node, task.target, input_specs(node, self._specs)))


def _indices_first(requests: Mapping[str, Request]) -> Iterator[tuple[str, Request]]:
    yield from sorted(requests.items(), key=lambda item: (isinstance(item[1], Gather), item[0]))


def _feed(digest: Any, served: Served) -> None:
    match served:
        case TileRows():
            parts = [np.array(served.slots, np.int64), served.data]
        case Gathered():
            parts = [served.own, served.data, served.index, np.array(served.slots, np.int64)]
        case _:
            parts = [served]
    for part in parts:
        digest.update(f"{part.dtype}{part.shape}".encode())
        digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8))
