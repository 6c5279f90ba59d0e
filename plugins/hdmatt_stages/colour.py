"""The colour lines of a block's queries, seen beyond each patch so that neighbours agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hdmatt_core.geometry import Box
from hdmatt_core.nn.presets import EVIDENCE_CELL, EVIDENCE_HALO
from hdmatt_core.stage import Block
from hdmatt_stages.pool import grid_of
from hdmatt_stages.tiler import around, cut

STRIP = 64
"""Rows that are gathered into cells at a time."""


def colour_lines_of(block: Block, slots: Sequence[int]) -> Any:
    """Colour lines (n, 5, P/8 + 2, P/8 + 2) of the patches in ``slots``: gathered and filtered once around them all.

    The block's ``image`` and ``trimap`` reach ``EVIDENCE_HALO`` px beyond its patches; these stand a multiple of
    ``EVIDENCE_CELL`` apart and so share cells.
    """
    import torch

    from hdmatt_core.nn.evidence import colour_lines

    grid = grid_of(block.specs)
    boxes = [grid.box(slot) for slot in slots]
    origin, side = Box.bounding(boxes).start, grid.patch // EVIDENCE_CELL + 2
    lines = colour_lines(_cells(block, Box.bounding(boxes).grown(EVIDENCE_HALO)), EVIDENCE_HALO // EVIDENCE_CELL)
    corners = [tuple((c - o) // EVIDENCE_CELL for c, o in zip(box.start, origin, strict=True)) for box in boxes]
    return torch.cat([lines[:, :, y : y + side, x : x + side] for y, x in corners])


def _cells(block: Block, box: Box) -> Any:
    """What is known per cell of ``box``, (1, 8, h, w), in strips of rows: the input of all of it would be large."""
    import torch

    from hdmatt_core.nn.evidence import known_cells
    from hdmatt_core.nn.inputs import make_input

    origin = around(grid_of(block.specs), block.target).grown(EVIDENCE_HALO).start
    image, trimap = (cut(block.array(port), origin, box) for port in ("image", "trimap"))
    strips = [slice(row, row + STRIP) for row in range(0, len(trimap), STRIP)]
    return torch.cat([known_cells(make_input(image[None, s], trimap[None, s])) for s in strips], dim=2)
