"""Cutting the image into patches (the paper's section on patch-based inference)."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.kinds import Tiler, TileState
from hdmatt_core.nn.presets import STRIDE
from hdmatt_core.nn.regions import BACKGROUND, FOREGROUND, UNKNOWN, downsample_regions, trimap_classes
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Request, Specs, Target, Window

_WHOLE = {BACKGROUND: TileState.BACKGROUND, UNKNOWN: TileState.QUERY, FOREGROUND: TileState.FOREGROUND}


class GridTiler(Tiler):
    """Overlapping square patches in a regular grid; the paper takes 320 px.

    Patch (i, j) begins at ``(i, j) (patch - overlap)``; at the right and lower border it reaches beyond the image,
    which is mirrored there. A patch is a query where the image's part of it holds an unknown pixel; otherwise the
    trimap answers it. A cell of ``regions`` (16 x 16 px) is unknown if any of its pixels is, else what most are.

    Source: Yu et al., "High-Resolution Deep Image Matting", AAAI 2021, arXiv 2009.06613 (crop and stitch).
    """

    class Params(Tiler.Params):
        """Sizes in pixels of the image; ``side`` in patches."""

        patch: int = Field(320, ge=2 * STRIDE, multiple_of=STRIDE, description="side of a patch, px")
        overlap: int = Field(32, ge=0, description="width that neighbouring patches share, px; at most half a patch")
        side: int = Field(4, ge=1, le=64, description="a block, the unit of work, is side x side patches")

        @model_validator(mode="after")
        def _at_most_half(self) -> Self:
            if 2 * self.overlap > self.patch:
                raise ValueError(f"overlap {self.overlap} is more than half of patch {self.patch}")
            return self

    params: Params

    def grid(self, specs: Specs) -> Grid:
        """The grid over the trimap's pixels."""
        height, width = specs["trimap"].shape
        return Grid((height, width), self.params.patch, self.params.overlap, self.params.side)

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        image, trimap = specs["image"].shape[:2], specs["trimap"].shape
        if image != trimap:
            raise UserError(
                f"the image is {image[1]} x {image[0]} px, the trimap {trimap[1]} x {trimap[0]} px; "
                "make the trimap at the image's size, or an integer times smaller"
            )
        grid = self.grid(specs)
        cells = grid.patch // STRIDE
        return {
            "tiles": ArraySpec(("tile", "c"), (grid.slots, 3), "int32", 1, grid),
            "regions": ArraySpec(("tile", "y", "x"), (grid.slots, cells, cells), "uint8", STRIDE, grid),
        }

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        # Only the trimap decides: the image's pixels are not read.
        return {"trimap": Window(around(self.grid(specs), target))}

    def scratch(self, target: Target, specs: Specs) -> int:
        return 6 * len(target.slots) * self.params.patch**2

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        grid = self.grid(block.specs)
        boxes = [grid.box(slot) for slot in block.target.slots]
        window, origin = block.array("trimap"), around(grid, block.target).start
        made: dict[str, Array] = {}
        if "tiles" in block.wanted:
            rows = [(*box.start, _state(cut(window, origin, box.within(grid.shape)))) for box in boxes]
            made["tiles"] = np.array(rows, np.int32)
        if "regions" in block.wanted:
            made["regions"] = np.concatenate([_regions(cut(window, origin, box)) for box in boxes])
        return made


def around(grid: Grid, target: Target) -> Box:
    """The smallest box of pixels that holds every patch of ``target``."""
    return Box.bounding(grid.box(slot) for slot in target.slots)


def cut(window: Array, origin: tuple[int, ...], box: Box) -> Array:
    """The pixels of ``box`` from a window that begins at ``origin``."""
    return window[box.shifted(-o for o in origin).slices]


def _state(trimap: NDArray[np.uint8]) -> TileState:
    low, high = trimap_classes(np.array([trimap.min(), trimap.max()]))
    if low == high:
        return _WHOLE[int(low)]
    return TileState.QUERY if (trimap_classes(trimap) == UNKNOWN).any() else TileState.KNOWN


def _regions(trimap: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Regions (1, h, w) of one patch; most patches of a large picture are of one value."""
    if trimap.min() == trimap.max():
        cells = [side // STRIDE for side in trimap.shape]
        return np.full((1, *cells), trimap_classes(trimap[:1, :1])[0, 0])
    return downsample_regions(trimap[None])
