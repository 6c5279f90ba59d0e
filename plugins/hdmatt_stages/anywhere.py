"""What the whole picture's known colours say of some of its patches: rows and windows of what ``colour.*`` makes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.nn.presets import BINS, EVIDENCE_CELL
from hdmatt_core.stage import Array, TileRows


def checked_stride(grid: Grid) -> int:
    """The patches' distance in cells of colour evidence; UserError if patches do not share such cells."""
    if grid.stride % EVIDENCE_CELL:
        raise UserError(
            f"patches {grid.stride} px apart do not share the cells of {EVIDENCE_CELL} px in which colours are "
            f"gathered; make the tiler's overlap a multiple of {EVIDENCE_CELL}"
        )
    return grid.stride // EVIDENCE_CELL


def slots_around(grid: Grid, box: Box) -> tuple[int, ...]:
    """The patches whose far colours are interpolated over the pixels of a box; none over none."""
    if not box.shape:
        return ()
    rows, columns = _lines(grid, box)
    return tuple(sorted({grid.slot(int(row), int(column)) for row in rows for column in columns}))


def far_around(rows: TileRows, grid: Grid, box: Box) -> Any:
    """Far colours (1, 8, h, w) of the cells of a box, from the rows of ``slots_around``."""
    import torch

    from hdmatt_core.nn.far import far_cells

    lines = _lines(grid, box)
    at = {slot: place for place, slot in enumerate(rows.slots)}
    chart = np.array([[rows.data[at[grid.slot(int(row), int(column))]] for column in lines[1]] for row in lines[0]])
    cells = far_cells(torch.from_numpy(chart).permute(2, 0, 1)[None], checked_stride(grid))
    top, left = ((start % grid.stride) // EVIDENCE_CELL for start in box.start)
    height, width = (side // EVIDENCE_CELL for side in box.shape)
    return cells[:, :, top : top + height, left : left + width]


def _lines(grid: Grid, box: Box) -> list[NDArray[np.intp]]:
    """Rows and columns of the patches over a box and of one beyond each side; the last stand for those outside."""
    return [
        np.arange(start // grid.stride - 1, -(-stop // grid.stride) + 1).clip(0, count - 1)
        for start, stop, count in zip(box.start, box.stop, grid.counts, strict=True)
    ]


def palettes_around(grid: Grid, box: Box) -> Box:
    """The blocks, one element (y, x) each, whose palettes are mixed for the patches over the pixels of a box."""
    corners = [corner for slot, _ in _patches_over(grid, box) for corner, _ in _mix(grid, slot)]
    return Box.bounding(Box(corner, (corner[0] + 1, corner[1] + 1)) for corner in corners)


def likely_cells(window: Array, origin: tuple[int, ...], grid: Grid, box: Box, colour: Any) -> Any:
    """Alpha and trust (1, 2, h, w) of the mean colours (1, 3, h, w) of the cells of a box, by each patch's palette.

    ``window`` is as in ``palette_of``.
    """
    import torch

    from hdmatt_core.nn.palette import looked_up

    found = torch.empty(1, 2, *colour.shape[2:], device=colour.device)
    for slot, (rows, columns) in _patches_over(grid, box):
        table = palette_of(window, origin, grid, slot).to(colour.device)
        found[:, :, rows, columns] = looked_up(table, colour[:, :, rows, columns])
    return found


def _patches_over(grid: Grid, box: Box) -> list[tuple[int, tuple[slice, slice]]]:
    """The patches whose own pixels lie in a box and which of its cells those are; beyond the grid its outer ones.

    None over none.
    """
    if not box.shape:
        return []
    axes = []
    for start, stop, count in zip(box.start, box.stop, grid.counts, strict=True):
        places = range(start // grid.stride, -(-stop // grid.stride))
        edges = [(min(max(at * grid.stride, start), stop) - start) // EVIDENCE_CELL for at in (*places, places.stop)]
        nearest = (min(max(at, 0), count - 1) for at in places)
        axes.append(list(zip(nearest, map(slice, edges, edges[1:]), strict=True)))
    return [(grid.slot(row, column), (up, left)) for row, up in axes[0] for column, left in axes[1]]


def palette_of(window: Array, origin: tuple[int, ...], grid: Grid, slot: int) -> Any:
    """The tables (1, 2, N, N, N) of a patch: the palettes of the blocks around its middle, near ones weighing most.

    ``window`` (h, w, c) holds the blocks of ``palettes_around`` and begins at ``origin``.
    """
    import torch

    mixed = sum(
        weight * window[row - origin[0], column - origin[1]].astype(np.float32)
        for (row, column), weight in _mix(grid, slot)
    )
    return torch.from_numpy(np.asarray(mixed, np.float32)).view(1, 2, BINS, BINS, BINS)


def _mix(grid: Grid, slot: int) -> list[tuple[tuple[int, int], float]]:
    """Up to four blocks around the middle of a patch and the share of each, bilinear between the blocks' middles."""
    size, axes = grid.stride * grid.side, []
    for start, count in zip(grid.box(slot).start, grid.block_counts, strict=True):
        place = (start + grid.patch / 2) / size - 0.5
        low = int(np.floor(place))
        axes.append([(min(max(at, 0), count - 1), 1 - abs(place - at)) for at in (low, low + 1)])
    return [((row, column), upper * left) for row, upper in axes[0] for column, left in axes[1]]
