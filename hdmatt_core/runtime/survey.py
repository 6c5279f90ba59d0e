"""Counting tiles: after the trimap is read, and before anything is promised."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.errors import HdmattWarning
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.nn.regions import UNKNOWN
from hdmatt_core.pipeline.passes import Pass, finest
from hdmatt_core.pipeline.plan import Work
from hdmatt_core.pipeline.reach import target_in
from hdmatt_core.runtime.workspace import Workspace
from hdmatt_core.stage import Target, Tiles


def count(space: Workspace, passes: tuple[Pass, ...]) -> Work | None:
    """How many tiles of each sort there are, and the fullest block of each; None where nothing cuts tiles."""
    grid = finest(passes)
    if grid is None:
        return None
    grids = {p.grid for p in passes if p.over == "tiles" and p.grid is not None}
    made = {(run, each): _made(space, passes, each, run) for run in Tiles for each in grids}
    tiles = {p.name: int(space.slots(p).sum()) for p in passes if p.over == "tiles"}
    every = int(space.computed(Tiles.QUERIES, grid).sum())
    # A region may leave out queries that the whole picture is told of all the same: the last pass decides.
    queries = next((tiles[p.name] for p in reversed(passes) if (p.grid, p.run) == (grid, Tiles.QUERIES)), every)
    return Work(
        slots=grid.slots,
        queries=queries,
        candidates=int(made[Tiles.CANDIDATES, grid].sum()),
        outside=every - queries,
        tiles=tiles,
        fullest={key: _fullest(slots, key[1]) for key, slots in made.items()},
        pixels={p.name: math.prod(part.shape) for p in passes if isinstance(part := space.part(p), Box)},
    )


def _made(space: Workspace, passes: tuple[Pass, ...], grid: Grid, run: Tiles) -> NDArray[np.bool_]:
    """The slots (slots,) that stages over tiles of this sort are run for."""
    slots = [space.slots(p) for p in passes if (p.over, p.grid, p.run) == ("tiles", grid, run)]
    return np.logical_or.reduce(slots) if slots else space.computed(run, grid)


def warn_of_guesswork(space: Workspace, passes: tuple[Pass, ...]) -> None:
    """Warn if the trimap knows neither foreground nor background anywhere: the network then has only its taste."""
    regions = next((ref for p in passes for ref in p.stored if ref.port == "regions"), None)
    grid = space.spec(regions).grid if regions else None
    if regions is None or grid is None:
        return
    present = space.computed(Tiles.ALL, grid)
    if (space.table(regions)[present] == UNKNOWN).all():
        warnings.warn(
            "the trimap is unknown everywhere; paint some foreground white and some background black",
            HdmattWarning,
            stacklevel=2,
        )


def _fullest(made: NDArray[np.bool_], grid: Grid) -> Target:
    start = int(np.argmax(made.reshape(-1, grid.block).sum(axis=1))) * grid.block
    return target_in(Box((start,), (start + grid.block,)), made)
