"""Known colours from anywhere in the picture: gathered from each query, then spread over all of it in one piece."""

from __future__ import annotations

from typing import Any

import numpy as np

from hdmatt_core.geometry import Box, Grid
from hdmatt_core.nn.presets import AT_ONCE, FAR_CHANNELS, PALETTE
from hdmatt_core.spec import ArraySpec, Input, Output
from hdmatt_core.stage import All, Array, Block, Context, Request, Specs, Stage, Target, Tiles, Window
from hdmatt_stages.anywhere import checked_stride
from hdmatt_stages.pool import grid_of
from hdmatt_stages.tiler import cut

INPUT_BYTES = 120
"""Per pixel of a patch: the six channels in float32, and what making, gathering and counting them allocates."""
CHART_BYTES = 32 * FAR_CHANNELS
"""Per patch of the grid: the chart of what is known, its pyramid and what is made of them."""
COUNT_BYTES = 16
"""Per bin of a block: both histograms in float32, and their pyramid."""
LIKEN_BYTES = 72
"""Per bin of the blocks whose tables are made together."""


class Known(Stage):
    """Known foreground and background colours of each query's own part of the picture: their means and histograms.

    Of the ``stride x stride`` pixels from the patch's corner. ``means``: colour where foreground is known, summed and
    divided by the number of all pixels (3), the share of such pixels, and the same of background; colour is normalised
    as the network's. ``counts``: how many pixels of foreground, then of background, have each of 12 x 12 x 12 colours,
    as 255 times the square root of their share. Known patches beside queries would add little that these do not see.
    Not in the paper.
    """

    kind = "colour"
    tiles_run = Tiles.QUERIES
    tiles = Input(("tile", "c"), ("int32",), channels=3, doc="the tiler's table")
    image = Input(("y", "x", "c"), channels=3, scale=1, doc="RGB")
    trimap = Input(("y", "x"), ("uint8",), scale=1, doc="0, 128, 255")
    means = Output(("tile", "c"), ("float32",), channels=FAR_CHANNELS, doc="foreground, share, background, share")
    counts = Output(("tile", "c"), ("uint8",), channels=2 * PALETTE, doc="histograms of foreground and background")

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = grid_of(specs)
        checked_stride(grid)
        return {
            "means": ArraySpec(("tile", "c"), (grid.slots, FAR_CHANNELS), "float32", 1, grid),
            "counts": ArraySpec(("tile", "c"), (grid.slots, 2 * PALETTE), "uint8", 1, grid),
        }

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        window = Window(Box.bounding(_own(grid_of(specs), slot) for slot in target.slots))
        return {"image": window, "trimap": window}

    def scratch(self, target: Target, specs: Specs) -> int:
        return INPUT_BYTES * grid_of(specs).stride ** 2

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        from hdmatt_core.nn.evidence import known_cells
        from hdmatt_core.nn.inputs import make_input
        from hdmatt_core.nn.palette import coded, counted

        boxes = [_own(grid_of(block.specs), slot) for slot in block.target.slots]
        origin, made = Box.bounding(boxes).start, []
        for box in boxes:
            image, trimap = (cut(block.array(port), origin, box)[None] for port in ("image", "trimap"))
            x = make_input(image, trimap)
            means = known_cells(x)[0, :FAR_CHANNELS].mean(dim=(1, 2)).numpy()
            made.append((means, coded(counted(x)).flatten().numpy()))
        return dict(zip(("means", "counts"), map(np.stack, zip(*made, strict=True)), strict=True))


class Far(Stage):
    """Mean known colours of the nearest patches that know any, from anywhere in the picture.

    Of the nine around each, and where they know none of the smallest part of an aligned pyramid that does, 2 x 2
    patches at each level. More than 256 px from a known pixel they are all that the network's colour lines have.
    Not in the paper.
    """

    kind = "colour"
    whole = True
    means = Input(("tile", "c"), ("float32",), channels=FAR_CHANNELS, doc="foreground, share, background, share")
    far = Output(("tile", "c"), ("uint8",), channels=FAR_CHANNELS, doc="RGB of foreground, 255 if any; of background")

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = _grid(specs["means"])
        return {"far": ArraySpec(("tile", "c"), (grid.slots, FAR_CHANNELS), "uint8", 1, grid)}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"means": All()}

    def scratch(self, target: Target, specs: Specs) -> int:
        return CHART_BYTES * _grid(specs["means"]).slots

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        import torch

        from hdmatt_core.nn.far import spread_far

        grid, slots = _grid(block.specs["means"]), list(block.target.slots)
        rows, columns = _places(grid, slots)
        chart = np.zeros((*grid.counts, FAR_CHANNELS), np.float32)
        chart[rows, columns] = block.array("means")[slots]
        far = spread_far(torch.from_numpy(chart).permute(2, 0, 1)[None])[0]
        return {"far": far.permute(1, 2, 0).numpy()[rows, columns]}


class Palette(Stage):
    """What a colour alone says of alpha, for each block of the grid: two tables of 12 x 12 x 12 colours.

    Each block sees the histograms of the eight around it too, and of more where those know no foreground or no
    background. The tables are logarithms of the shares F(c) and B(c) of foreground's and of background's pixels that
    have colour c, where colours that none has take after their neighbours, and one of both that is known nowhere has
    every colour alike: 255 is all, 0 a share of 0.00001 or less. The network is told
    ``alpha(c) = F(c) / (F(c) + B(c))`` and the larger of both logarithms. Not in the paper.
    """

    kind = "colour"
    whole = True
    counts = Input(("tile", "c"), ("uint8",), channels=2 * PALETTE, doc="histograms of foreground and background")
    palette = Output(("y", "x", "c"), ("uint8",), channels=2 * PALETTE, doc="how likely each colour is, by block")

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = _grid(specs["counts"])
        shape = (*grid.block_counts, 2 * PALETTE)
        return {"palette": ArraySpec(("y", "x", "c"), shape, "uint8", grid.stride * grid.side)}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"counts": All()}

    def scratch(self, target: Target, specs: Specs) -> int:
        rows, columns = _grid(specs["counts"]).block_counts
        blocks = rows * columns
        return 2 * PALETTE * (COUNT_BYTES * blocks + LIKEN_BYTES * min(blocks, AT_ONCE))

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        import torch

        from hdmatt_core.nn.palette import decoded, spread_palette

        grid, counts = _grid(block.specs["counts"]), block.array("counts")
        blocks = torch.zeros(grid.slots // grid.block, 2 * PALETTE)
        for number, first in enumerate(range(0, grid.slots, grid.block)):
            if counts[first : first + grid.block].any():  # most tiles of a large picture were not counted
                blocks[number] = decoded(torch.from_numpy(counts[first : first + grid.block])).mean(0)
        tables = spread_palette(blocks.view(*grid.block_counts, -1))
        return {"palette": tables.numpy()}


def _grid(spec: ArraySpec) -> Grid:
    assert spec.grid is not None
    return spec.grid


def _own(grid: Grid, slot: int) -> Box:
    """The pixels of a patch that no later one begins with."""
    start = grid.box(slot).start
    return Box(start, tuple(a + grid.stride for a in start))


def _places(grid: Grid, slots: list[int]) -> tuple[list[int], list[int]]:
    """Rows and columns of present patches."""
    places: list[Any] = [grid.position(slot) for slot in slots]
    return [row for row, _ in places], [column for _, column in places]
