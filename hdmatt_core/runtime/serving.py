"""What the stages of a task are given: windows, rows, gathered rows and tables, each read once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hdmatt_core.errors import StageError
from hdmatt_core.geometry import Box
from hdmatt_core.pipeline.graph import Node, Ref
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.workspace import Workspace
from hdmatt_core.stage import All, Array, Gather, Gathered, Own, Request, Rows, Target, TileRows, Window

Served = Array | TileRows | Gathered


class Serving:
    """Serves what is asked for a target: from what was ``made`` for it already, or from the run's arrays."""

    def __init__(self, job: Job, space: Workspace, target: Target) -> None:
        self.job, self.space, self.target = job, space, target
        self.made: dict[Ref, Array] = {}
        self.windows: dict[tuple[Ref, Box], Array] = {}

    def serve(self, request: Request, node: Node, port: str, arrays: Mapping[str, Served]) -> Served:
        """What answers a request of one port; ``arrays`` are the ports that were served before."""
        ref = node.wires[port]
        match request:
            case Own():
                return self.own(ref)
            case Window(box):
                return self._window(ref, box)
            case Rows(slots):
                return self._rows(ref, slots)
            case Gather(index):
                return self._gathered(ref, node, np.asarray(arrays[index]))
            case All():
                return self.space.table(ref)

    def own(self, ref: Ref) -> Array:
        """The target's rows, or pixels, of an array."""
        if ref in self.made:
            return self.made[ref]
        if self.job.plan.specs[ref].over_tiles:
            return self.space.rows(ref, self.target.slots)
        return self._window(ref, self.target.box)

    def _window(self, ref: Ref, box: Box) -> Array:
        """Stages of one task that look at the same window share one reading."""
        if (ref, box) not in self.windows:
            self.windows[ref, box] = self.space.window(ref, box)
        return self.windows[ref, box]

    def _rows(self, ref: Ref, slots: tuple[int, ...]) -> TileRows:
        made = self.space.slots(self.job.home(ref))
        there = tuple(slot for slot in slots if made[slot])
        return TileRows(there, self.space.rows(ref, there))

    def _gathered(self, ref: Ref, node: Node, index: Array) -> Gathered:
        made = self.space.slots(self.job.home(ref))
        named, inverse = np.unique(index[index >= 0], return_inverse=True)
        strange = [int(slot) for slot in named if slot >= len(made) or not made[slot]]
        if strange:
            raise StageError(
                f"stage '{node.name}' was told to look at tile {strange[0]} of '{ref.node}', which was not computed; "
                "a sampler may choose only among the pool's candidates"
            )
        local = np.full(index.shape, -1, np.int32)
        local[index >= 0] = inverse
        slots = tuple(int(slot) for slot in named)
        return Gathered(self.own(ref), self.space.rows(ref, slots), local, slots)
