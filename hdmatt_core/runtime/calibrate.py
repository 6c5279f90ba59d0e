"""How long a run will take, from a block of made-up tiles put through the same pipeline on the same device."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from hdmatt_core.geometry import Grid
from hdmatt_core.pipeline.passes import Pass, finest
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.runtime.events import BlockDone, Event, Planned
from hdmatt_core.runtime.prepare import Prepared
from hdmatt_core.runtime.run import run
from hdmatt_core.stage import Array

UNKNOWN, FOREGROUND = 128, 255


def seconds_by_pass(prepared: Prepared, plan: Plan) -> dict[str, float]:
    """Seconds that one thread will take for every pass after the tiles are counted.

    A block with the plan's share of queries is timed after a single tile has loaded and warmed the network. Passes over
    pixels are taken to grow with the queries, since regions without any are hardly looked at. Nothing where the
    pipeline cuts no tiles or there is nothing unknown.
    """
    grid = finest(plan.passes)
    if plan.work is None or grid is None or not plan.work.queries:
        return {}
    _timed(prepared, grid, side=1, queries=1)
    share = plan.work.queries / max(plan.work.candidates, 1)
    timed = _timed(prepared, grid, side=grid.side, queries=max(1, round(share * grid.block)))
    return {work.name: timed.each(work) * plan.work.tiles.get(work.name, plan.work.queries) for work in plan.passes}


@dataclass
class _Timed:
    """Listens to a run: seconds and tiles of every pass, and how many tiles had unknown pixels."""

    seconds: Counter[str] = field(default_factory=Counter)
    tiles: Counter[str] = field(default_factory=Counter)
    queries: int = 0

    def __call__(self, event: Event) -> None:
        match event:
            case Planned():
                self.queries = event.queries
            case BlockDone():
                self.seconds[event.name] += event.seconds  # type: ignore[assignment]
                self.tiles[event.name] += event.tiles

    def each(self, work: Pass) -> float:
        """Seconds of a pass for one of its tiles, or of the queries for a pass over pixels."""
        return self.seconds[work.name] / max(1, self.tiles[work.name] if work.over == "tiles" else self.queries)


def _timed(prepared: Prepared, grid: Grid, side: int, queries: int) -> _Timed:
    """A run on made-up inputs of ``side`` x ``side`` tiles, in this thread."""
    length = side * grid.stride + grid.overlap
    small, timed = replace(grid, shape=(length, length)), _Timed()
    inputs = {name: _made_up(node.kind, small, queries) for name, node in prepared.graph.inputs.items()}
    request = replace(
        prepared.request,
        inputs=inputs,
        outputs=dict.fromkeys(prepared.request.outputs),
        workers=0,
        scheduler=None,
        synchronous=True,
        roi=None,
        preview=1,
    )
    run(request, timed)
    return timed


def _made_up(kind: str, grid: Grid, queries: int) -> Array:
    """Noise for an image; a trimap of which so many tiles have an unknown middle, the rest background."""
    if kind == "image":
        return np.random.default_rng(0).integers(0, 256, (*grid.shape, 3), np.uint8)
    trimap = np.zeros(grid.shape, np.uint8)
    margin = grid.overlap + math.ceil((grid.stride - grid.overlap) / 4)
    for slot in grid.present(0, grid.slots)[:queries]:
        box = grid.box(slot)
        middle = box.grown(-margin)
        trimap[middle.slices] = UNKNOWN if kind == "trimap" else FOREGROUND
        trimap[middle.start[0] : middle.stop[0], box.start[1] + grid.overlap : middle.start[1]] = FOREGROUND
    return trimap
