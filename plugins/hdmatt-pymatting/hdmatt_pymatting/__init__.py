"""PyMatting's solvers as stages of the free kind ``solver``: image and trimap in, alpha out, no network."""

from __future__ import annotations

import math
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.hooks import hookimpl
from hdmatt_core.nn.regions import FOREGROUND, UNKNOWN, trimap_classes
from hdmatt_core.spec import ArraySpec, Input, Output
from hdmatt_core.stage import Array, Block, Context, Request, Specs, Stage, StageType, Target, Window
from hdmatt_pymatting.solving import BYTES, Method, solve


class Solver(Stage):
    """Base of the solvers: their ports."""

    kind = "solver"
    image = Input(("y", "x", "c"), channels=3, scale=1, doc="RGB")
    trimap = Input(("y", "x"), ("uint8",), scale=1, doc="0, 128, 255")
    alpha = Output(("y", "x"), ("float32",), scale=1, doc="the matte, 0..1")

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        image, trimap = specs["image"].shape[:2], specs["trimap"].shape
        if image != trimap:
            raise UserError(
                f"the image is {image[1]} x {image[0]} px, the trimap {trimap[1]} x {trimap[0]} px; "
                "make the trimap anew at the image's size"
            )
        return {"alpha": ArraySpec(("y", "x"), trimap, "float32")}


class _Whole(Solver):
    whole = True
    method: ClassVar[Method]

    def scratch(self, target: Target, specs: Specs) -> int:
        return BYTES[self.method] * math.prod(specs["trimap"].shape)

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        return {"alpha": solve(self.method, block.array("image"), block.array("trimap"))}


class ClosedForm(_Whole):
    """Closed-form matting of the whole image: ``(L + lambda D) alpha = lambda D known``, L the matting Laplacian.

    Takes up to 2.6 GB per megapixel, and a plan that has less is refused with the figure.

    Source: Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural Image Matting", PAMI 30(2), 2008.
    """

    method = "cf"


class Neighbours(_Whole):
    """KNN matting of the whole image: alike colours, wherever they are, get alike alpha. Up to 3.9 GB per megapixel.

    Source: Chen, Li and Tang, "KNN Matting", PAMI 35(9), 2013.
    """

    method = "knn"


class LearningBased(_Whole):
    """Learning-based matting of the whole image: alpha is locally linear in colour. Up to 2.9 GB per megapixel.

    Source: Zheng and Kambhamettu, "Learning Based Digital Matting", ICCV 2009.
    """

    method = "lbdm"


class Tiled(Solver):
    """Any of the solvers by overlapping tiles, blended: an image of any size in the memory of one tile.

    ``alpha = sum_t w_t alpha_t / sum_t w_t`` with w rising over the overlap as in ``blender.ramp``; tiles without an
    unknown pixel are not solved. A tile knows nothing of its neighbours: one that sees but one side gets that side
    throughout, and one that is wholly unknown is refused. That is what HDMatt's context is for.

    Source: the solvers' own; the tiles are this project's.
    """

    class Params(Solver.Params):
        """Which solver, and tiles in pixels."""

        method: Method = Field("cf", description="which solver")
        tile: int = Field(768, ge=32, description="side of a tile, px")
        overlap: int = Field(128, ge=0, description="width that neighbouring tiles share, px; at most half a tile")

        @model_validator(mode="after")
        def _at_most_half(self) -> Self:
            if 2 * self.overlap > self.tile:
                raise ValueError(f"overlap {self.overlap} is more than half of tile {self.tile}")
            return self

    params: Params

    def _grid(self, specs: Specs) -> Grid:
        height, width = specs["trimap"].shape
        return Grid((height, width), self.params.tile, self.params.overlap)

    def _window(self, target: Target, specs: Specs) -> Box:
        """The tiles over the target, as far as they are in the image: nothing is solved twice for being mirrored."""
        grid = self._grid(specs)
        return Box.bounding(grid.box(slot) for slot in grid.covering(target.box)).within(grid.shape)

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        window = Window(self._window(target, specs))
        return {"image": window, "trimap": window}

    def scratch(self, target: Target, specs: Specs) -> int:
        return BYTES[self.params.method] * self.params.tile**2 + 16 * math.prod(target.box.shape)

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        grid, box = self._grid(block.specs), block.target.box
        window = self._window(block.target, block.specs)
        total, weights = np.zeros(box.shape, np.float32), np.zeros(box.shape, np.float32)
        for slot in grid.covering(box):
            tile = grid.box(slot).within(grid.shape)
            common = tile.intersection(box)
            weight = grid.ramp(slot)[_within(common, grid.box(slot))]
            total[_within(common, box)] += weight * self._solved(block, window, tile)[_within(common, tile)]
            weights[_within(common, box)] += weight
        known = trimap_classes(block.array("trimap")[_within(box, window)])
        return {"alpha": np.where(known == UNKNOWN, total / weights, known == FOREGROUND).astype(np.float32)}

    def _solved(self, block: Block, window: Box, tile: Box) -> Array:
        cut = _within(tile, window)
        try:
            return solve(self.params.method, block.array("image")[cut], block.array("trimap")[cut])
        except UserError as error:
            (y, x), (height, width) = tile.start, tile.shape
            raise UserError(f"tile of {width} x {height} px at x {x}, y {y}: {error.message}") from error


def _within(box: Box, outer: Box) -> tuple[slice, ...]:
    return box.shifted(-start for start in outer.start).slices


@hookimpl
def hdmatt_stages() -> list[StageType]:
    """Bring the solvers."""
    stages = {"cf": ClosedForm, "knn": Neighbours, "lbdm": LearningBased, "tiled": Tiled}
    return [StageType(f"solver.{word}", stage, api=1) for word, stage in stages.items()]
