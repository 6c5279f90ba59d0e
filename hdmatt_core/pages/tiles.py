"""What is known, encoded, matted and still to do, tile by tile, and the map of it over the picture."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Grid
from hdmatt_core.pipeline.passes import finest
from hdmatt_core.runtime.work import ledger_of
from hdmatt_core.runtime.workspace import Workspace
from hdmatt_core.stage import Tiles
from hdmatt_core.storage.store import RunStore

LEAST_LINE = 6
"""Sides of tiles, in px of the map, from which on lines are drawn between them."""
TINT = 0.45
"""The share of a tile's colour in the map; the rest is the picture in grey."""

Bytes = NDArray[np.uint8]


class State(IntEnum):
    """What a tile is to the run."""

    SKIPPED = 0
    CONTEXT = 1
    MATTED = 2
    PENDING = 3
    OUTSIDE = 4


MEANING = {
    State.SKIPPED: "known, skipped",
    State.CONTEXT: "known, candidate for context",
    State.MATTED: "unknown pixels, matted",
    State.PENDING: "unknown pixels, still to do",
    State.OUTSIDE: "unknown pixels, outside the region",
}
COLOURS = {
    State.SKIPPED: (136, 136, 136),
    State.CONTEXT: (66, 133, 244),
    State.MATTED: (52, 168, 83),
    State.PENDING: (245, 145, 30),
    State.OUTSIDE: (171, 71, 188),
}
"""Of the key; on the map what is skipped has no colour."""


def states(space: Workspace, store: RunStore) -> tuple[Grid, Bytes] | None:
    """The grid and the state of each tile, (rows, columns) as they lie; None where nothing cuts tiles."""
    passes = space.job.plan.passes
    grid = finest(passes)
    if grid is None:
        return None
    slots = np.zeros(grid.slots, np.uint8)
    slots[space.computed(Tiles.CANDIDATES, grid)] = State.CONTEXT
    slots[space.computed(Tiles.QUERIES, grid)] = State.OUTSIDE
    deciding = [i for i, p in enumerate(passes) if p.grid == grid and p.over == "tiles" and p.run is Tiles.QUERIES]
    if deciding:
        wanted = space.slots(passes[deciding[-1]])
        done = np.repeat(ledger_of(store, space, deciding[-1]).done, grid.block)
        slots[wanted] = State.PENDING
        slots[wanted & done] = State.MATTED
    return grid, _laid_out(slots, grid)


def _laid_out(slots: Bytes, grid: Grid) -> Bytes:
    """Values by slot as their tiles lie: slots are numbered block by block."""
    (rows, cols), (high, wide), side = grid.counts, grid.block_counts, grid.side
    blocks = slots.reshape(high, wide, side, side).transpose(0, 2, 1, 3)
    return blocks.reshape(high * side, wide * side)[:rows, :cols]


def tile_map(grid: Grid, found: Bytes, picture: Bytes, factor: int) -> Bytes:
    """The picture (h, w) or (h, w, 3), reduced by ``factor``, in grey under the colours of its tiles (h, w, 3).

    A pixel where tiles overlap has the colour of the later one.
    """
    grey = picture if picture.ndim == 2 else picture.mean(axis=2)
    rows, cols = (_tile_of(n, factor, grid, count) for n, count in zip(grey.shape, grid.counts, strict=True))
    tints = np.array([COLOURS[state] for state in State], np.float32)
    share = np.where(found == State.SKIPPED, 0, TINT).astype(np.float32)[rows][:, cols][..., None]
    mixed = grey[..., None] * (1 - share) + tints[found[rows][:, cols]] * share
    if grid.stride // factor >= LEAST_LINE:
        mixed[np.flatnonzero(np.diff(rows)) + 1] *= 0.7
        mixed[:, np.flatnonzero(np.diff(cols)) + 1] *= 0.7
    return np.asarray(mixed + 0.5, np.uint8)


def _tile_of(length: int, factor: int, grid: Grid, count: int) -> NDArray[np.intp]:
    """The row or column of tiles for each pixel of the map along one side."""
    return np.minimum((np.arange(length) * factor + factor // 2) // grid.stride, count - 1)
