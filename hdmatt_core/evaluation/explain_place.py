"""From a pixel to the patch that answers for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.kinds import TileState
from hdmatt_core.nn.regions import UNKNOWN
from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.runtime.probe import Probe

Pixel = tuple[int, int]
SOME = 4096
"""Patches whose regions are held at once."""


def place(probe: Probe, at: Pixel | None) -> tuple[Grid, int, Pixel]:
    """The grid, the slot of the query that counts most for the pixel ``at`` (y, x), and the pixel.

    Without a pixel: the query with most unknown positions, at its unknown pixel nearest to the middle. Raises
    UserError for a pixel outside the picture or in no query, naming one that is.
    """
    tiles = Ref(probe.only("tiler").name, "tiles")
    grid = probe.space.spec(tiles).grid
    assert grid is not None
    queries = np.flatnonzero(probe.space.table(tiles)[:, 2] == TileState.QUERY)
    if not len(queries):
        raise UserError("nothing in this trimap is unknown, so no patch asks for anything; check the trimap")
    if at is not None:
        return grid, _deciding(grid, at, queries), at
    slot = _most_unknown(probe, queries)
    return grid, slot, _middle_unknown(probe, grid.box(slot))


def input_of(probe: Probe, kind: str) -> Ref:
    """The pipeline's first input of ``kind``; UserError if there is none."""
    for name, node in probe.graph.inputs.items():
        if node.kind == kind:
            return Ref(name)
    raise UserError(f"{probe.graph.document.file}: there is no input of kind '{kind}'; explain needs one")


def _deciding(grid: Grid, at: Pixel, queries: NDArray[np.intp]) -> int:
    """The slot of the query whose matte weighs most at the pixel when patches are blended."""
    y, x = at
    if not (0 <= y < grid.shape[0] and 0 <= x < grid.shape[1]):
        raise UserError(f"--at {y},{x}: outside the picture of {grid.shape[1]} x {grid.shape[0]} px; give --at Y,X")
    over = [slot for slot in grid.covering(Box((y, x), (y + 1, x + 1))) if slot in queries]
    if not over:
        near = ",".join(str(i) for i in _nearest(grid, at, queries))
        raise UserError(f"--at {y},{x}: the trimap knows all of the patch there, so it asks nothing; try --at {near}")
    weights = {slot: grid.ramp(slot)[tuple(np.subtract(at, grid.box(slot).start))] for slot in over}
    return max(over, key=lambda slot: float(weights[slot]))


def _nearest(grid: Grid, at: Pixel, queries: NDArray[np.intp]) -> Pixel:
    """The middle of the query that is nearest."""
    half = grid.patch // 2
    middles = np.minimum([np.add(grid.box(int(slot)).start, half) for slot in queries], np.subtract(grid.shape, 1))
    y, x = middles[int(np.abs(middles - at).sum(axis=1).argmin())]
    return int(y), int(x)


def _most_unknown(probe: Probe, queries: NDArray[np.intp]) -> int:
    regions = Ref(probe.only("tiler").name, "regions")
    counts: list[int] = []
    for start in range(0, len(queries), SOME):
        rows = probe.space.rows(regions, queries[start : start + SOME].tolist())
        counts += np.count_nonzero(rows == UNKNOWN, axis=(1, 2)).tolist()
    return int(queries[int(np.argmax(counts))])


def _middle_unknown(probe: Probe, box: Box) -> Pixel:
    """The unknown pixel nearest to the middle of a patch, within the picture."""
    trimap = input_of(probe, "trimap")
    inside = box.within(probe.space.spec(trimap).shape)
    rows, columns = np.nonzero(probe.space.window(trimap, inside) == 128)
    nearest = int((abs(rows - inside.shape[0] // 2) + abs(columns - inside.shape[1] // 2)).argmin())
    return inside.start[0] + int(rows[nearest]), inside.start[1] + int(columns[nearest])
