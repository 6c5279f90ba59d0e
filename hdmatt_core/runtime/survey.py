"""Counting tiles: after the trimap is read, and before anything is promised."""

from __future__ import annotations

import warnings

import numpy as np

from hdmatt_core.errors import HdmattWarning
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.nn.regions import UNKNOWN
from hdmatt_core.pipeline.passes import Pass
from hdmatt_core.pipeline.plan import Work
from hdmatt_core.runtime.workspace import Workspace
from hdmatt_core.stage import Target, Tiles


def count(space: Workspace, passes: tuple[Pass, ...]) -> Work | None:
    """How many tiles of each sort there are, and the fullest block of each; None where nothing cuts tiles."""
    grid = next((p.grid for p in passes if p.over == "tiles" and p.grid is not None), None)
    if grid is None:
        return None
    return Work(
        slots=grid.slots,
        queries=int(space.computed(Tiles.QUERIES, grid).sum()),
        candidates=int(space.computed(Tiles.CANDIDATES, grid).sum()),
        fullest={run: _fullest(space, grid, run) for run in Tiles},
    )


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


def _fullest(space: Workspace, grid: Grid, run: Tiles) -> Target:
    computed = space.computed(run, grid).reshape(-1, grid.block)
    start = int(np.argmax(computed.sum(axis=1))) * grid.block
    return space.target(grid, run, Box((start,), (start + grid.block,)))
