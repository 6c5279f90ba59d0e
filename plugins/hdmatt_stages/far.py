"""Known colours from anywhere in the picture: gathered from each query, then spread over all patches in one piece."""

from __future__ import annotations

from typing import Any

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.nn.presets import EVIDENCE_CELL, FAR_CHANNELS
from hdmatt_core.spec import ArraySpec, Input, Output
from hdmatt_core.stage import All, Array, Block, Context, Request, Specs, Stage, Target, TileRows, Tiles, Window
from hdmatt_stages.pool import grid_of
from hdmatt_stages.tiler import cut

INPUT_BYTES = 60
"""Per pixel of a patch: the six channels in float32, and what making and gathering them allocates."""
CHART_BYTES = 32 * FAR_CHANNELS
"""Per patch of the grid: the chart of what is known, its pyramid and what is made of them."""


class Known(Stage):
    """Mean known foreground and background colour of each query's own part of the picture.

    Of the ``stride x stride`` pixels from the patch's corner: mean of colour where foreground is known (3), the share
    of such pixels, and the same of background; colour is normalised as the network's. Known patches beside queries
    add nothing that these do not see. Not in the paper.
    """

    kind = "colour"
    tiles_run = Tiles.QUERIES
    tiles = Input(("tile", "c"), ("int32",), channels=3, doc="the tiler's table")
    image = Input(("y", "x", "c"), channels=3, scale=1, doc="RGB")
    trimap = Input(("y", "x"), ("uint8",), scale=1, doc="0, 128, 255")
    known = Output(
        ("tile", "c"), ("float32",), channels=FAR_CHANNELS, doc="foreground, its share, background, its share"
    )

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = grid_of(specs)
        return {"known": ArraySpec(("tile", "c"), (grid.slots, FAR_CHANNELS), "float32", 1, grid)}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        window = Window(Box.bounding(_own(grid_of(specs), slot) for slot in target.slots))
        return {"image": window, "trimap": window}

    def scratch(self, target: Target, specs: Specs) -> int:
        return INPUT_BYTES * grid_of(specs).stride ** 2

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        from hdmatt_core.nn.evidence import known_cells
        from hdmatt_core.nn.inputs import make_input

        boxes = [_own(grid_of(block.specs), slot) for slot in block.target.slots]
        origin, rows = Box.bounding(boxes).start, []
        for box in boxes:
            image, trimap = (cut(block.array(port), origin, box)[None] for port in ("image", "trimap"))
            rows.append(known_cells(make_input(image, trimap))[0, :FAR_CHANNELS].mean(dim=(1, 2)).numpy())
        return {"known": np.stack(rows)}


class Far(Stage):
    """Known colours around each patch from anywhere in the picture, near ones first.

    What is known of the patches is averaged over an aligned pyramid, 2 x 2 patches at each level, and every level adds
    a tenth of the one above it, ``S_l = K_l + up(S_(l+1)) / 10``; far colours are the quotients. More than 256 px from
    a known pixel they are all that the network's colour evidence has. Bytes, so that an edit far away changes few of
    them. Not in the paper.
    """

    kind = "colour"
    whole = True
    tiles = Input(("tile", "c"), ("int32",), channels=3, doc="the tiler's table")
    known = Input(
        ("tile", "c"), ("float32",), channels=FAR_CHANNELS, doc="foreground, its share, background, its share"
    )
    far = Output(("tile", "c"), ("uint8",), channels=FAR_CHANNELS, doc="RGB of foreground, 255 if any; of background")

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = grid_of(specs)
        return {"far": ArraySpec(("tile", "c"), (grid.slots, FAR_CHANNELS), "uint8", 1, grid)}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"known": All()}

    def scratch(self, target: Target, specs: Specs) -> int:
        return CHART_BYTES * grid_of(specs).slots

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        import torch

        from hdmatt_core.nn.far import spread_far

        grid, slots = grid_of(block.specs), list(block.target.slots)
        rows, columns = _places(grid, slots)
        chart = np.zeros((*grid.counts, FAR_CHANNELS), np.float32)
        chart[rows, columns] = block.array("known")[slots]
        far = spread_far(torch.from_numpy(chart).permute(2, 0, 1)[None])[0]
        return {"far": far.permute(1, 2, 0).numpy()[rows, columns]}


def checked_stride(grid: Grid) -> int:
    """The patches' distance in cells of colour evidence; UserError if patches do not share such cells."""
    if grid.stride % EVIDENCE_CELL:
        raise UserError(
            f"patches {grid.stride} px apart do not share the cells of {EVIDENCE_CELL} px in which colours are "
            f"gathered; make the tiler's overlap a multiple of {EVIDENCE_CELL}"
        )
    return grid.stride // EVIDENCE_CELL


def slots_around(grid: Grid, box: Box) -> tuple[int, ...]:
    """The patches whose far colours are interpolated over the pixels of a box."""
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


def _lines(grid: Grid, box: Box) -> list[np.ndarray[Any, np.dtype[np.intp]]]:
    """Rows and columns of the patches over a box and of one beyond each side; the last stand for those outside."""
    return [
        np.arange(start // grid.stride - 1, -(-stop // grid.stride) + 1).clip(0, count - 1)
        for start, stop, count in zip(box.start, box.stop, grid.counts, strict=True)
    ]


def _own(grid: Grid, slot: int) -> Box:
    """The pixels of a patch that no later one begins with."""
    start = grid.box(slot).start
    return Box(start, tuple(a + grid.stride for a in start))


def _places(grid: Grid, slots: list[int]) -> tuple[list[int], list[int]]:
    """Rows and columns of present patches."""
    places = [place for slot in slots if (place := grid.position(slot))]
    return [row for row, _ in places], [column for _, column in places]
