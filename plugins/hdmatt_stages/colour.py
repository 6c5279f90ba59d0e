"""The colour lines of a block's queries, seen beyond each patch so that neighbours agree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from hdmatt_core.geometry import Box, Grid
from hdmatt_core.nn.presets import EVIDENCE_CELL, EVIDENCE_HALO
from hdmatt_core.stage import Block
from hdmatt_stages.pool import grid_of
from hdmatt_stages.tiler import cut

STRIP = 64
"""Rows that are gathered into cells at a time."""


def seen_around(grid: Grid, slots: Sequence[int]) -> Box:
    """The pixels that the colour lines of the patches in ``slots`` depend on: their whole blocks, and a halo."""
    return Box.bounding(_whole(grid, slot // grid.block) for slot in slots).grown(EVIDENCE_HALO)


def colour_lines_of(block: Block, slots: Sequence[int]) -> Any:
    """Colour lines (n, 9, P/8 + 2, P/8 + 2) of the patches in ``slots``, in rising order.

    Gathered and solved once for each whole block of the grid: what is asked for together does not show in the bits.
    The block's ``image`` and ``trimap`` are of ``seen_around``; patches stand a multiple of ``EVIDENCE_CELL`` apart and
    so share cells.
    """
    import torch

    from hdmatt_core.nn.evidence import colour_lines

    grid, made = grid_of(block.specs), []
    side = grid.patch // EVIDENCE_CELL + 2
    for number, members in groupby(slots, lambda slot: slot // grid.block):
        whole = _whole(grid, number)
        lines = colour_lines(_cells(block, whole.grown(EVIDENCE_HALO)), EVIDENCE_HALO // EVIDENCE_CELL)
        for slot in members:
            y, x = ((c - o) // EVIDENCE_CELL for c, o in zip(grid.box(slot).start, whole.start, strict=True))
            made.append(lines[:, :, y : y + side, x : x + side])
    return torch.cat(made)


def _whole(grid: Grid, number: int) -> Box:
    """The pixels of all patches of a block of the grid."""
    return Box.bounding(grid.box(slot) for slot in grid.present(number * grid.block, (number + 1) * grid.block))


def _cells(block: Block, box: Box) -> Any:
    """What is known per cell of ``box``, (1, 11, h, w), in strips of rows: the input of all of it would be large."""
    import torch

    from hdmatt_core.nn.evidence import known_cells
    from hdmatt_core.nn.inputs import make_input

    origin = seen_around(grid_of(block.specs), block.target.slots).start
    image, trimap = (cut(block.array(port), origin, box) for port in ("image", "trimap"))
    strips = [slice(row, row + STRIP) for row in range(0, len(trimap), STRIP)]
    return torch.cat([known_cells(make_input(image[None, s], trimap[None, s])) for s in strips], dim=2)
