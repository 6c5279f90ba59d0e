"""Stitching the patches' mattes into one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box, Grid
from hdmatt_core.kinds import Blender
from hdmatt_core.nn.regions import FOREGROUND, UNKNOWN, trimap_classes
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Own, Request, Rows, Specs, Target


class _Blender(Blender, ABC):
    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        return {"alpha": ArraySpec(("y", "x"), specs["trimap"].shape, "float32")}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        # The table of tiles is not read: the rows that arrive are those of the queries.
        return {"patches": Rows(tuple(grid_of(specs).covering(target.box))), "trimap": Own()}

    def scratch(self, target: Target, specs: Specs) -> int:
        return 16 * int(np.prod(target.box.shape))

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        trimap = block.array("trimap")
        # Most blocks of a large picture hold no unknown pixel, and the trimap says all of their matte.
        alpha = pinned(*self.blended(block), trimap) if block.rows("patches").slots else known(trimap)
        return {"alpha": alpha}

    @abstractmethod
    def blended(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The patches' mattes over the target (h, w), and where there was any."""


class Ramp(_Blender):
    """The paper's weighted mean: ``alpha(x) = sum_p w_p(x) alpha_p(x) / sum_p w_p(x)``.

    ``w_p(x) = min(1, boundary_dist(x) / overlap)``, the distance being the shortest to a side that another patch
    shares, counted from pixel centres so that no weight is 0. The sums run over patches in row-major order, in
    float32. Known pixels are 0 or 1 as the trimap says.

    Source: Yu et al., "High-Resolution Deep Image Matting", AAAI 2021, arXiv 2009.06613, blending of patches.
    """

    def blended(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        grid, box = grid_of(block.specs), block.target.box
        total = np.zeros(box.shape, np.float32)
        weights = np.zeros(box.shape, np.float32)
        for slot, patch in ordered(grid, block):
            there, here = overlap(grid, slot, box)
            weight = grid.ramp(slot)[here]
            total[there] += weight * patch[here]
            weights[there] += weight
        blended = np.divide(total, weights, out=total, where=weights > 0)
        return blended, weights > 0


class Crop(_Blender):
    """No blending, an ablation: each pixel is taken from the patch whose centre is nearest, of equals the lowest slot.

    Patch (i, j) gives the pixels between the middles of its overlaps. Known pixels are 0 or 1 as the trimap says.
    """

    def blended(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        grid, box = grid_of(block.specs), block.target.box
        alpha = np.zeros(box.shape, np.float32)
        covered = np.zeros(box.shape, bool)
        for slot, patch in ordered(grid, block):
            there, here = overlap(grid, slot, _nearest(grid, slot).intersection(box), box)
            alpha[there] = patch[here]
            covered[there] = True
        return alpha, covered


def grid_of(specs: Specs) -> Grid:
    """The grid of the patches."""
    grid = specs["patches"].grid
    assert grid is not None
    return grid


def ordered(grid: Grid, block: Block) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The patches that were computed, slot and matte, in row-major order: sums of floats must keep an order."""
    rows = block.rows("patches")
    place = {slot: row for row, slot in enumerate(rows.slots)}
    for slot in grid.covering(block.target.box):
        if slot in place:
            yield slot, rows.data[place[slot]]


def overlap(grid: Grid, slot: int, box: Box, within: Box | None = None) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where the patch and ``box`` meet: slices of an array over ``within`` (by default ``box``), and of the patch."""
    patch = grid.box(slot)
    common, origin = patch.intersection(box), (within or box).start
    return common.shifted(-o for o in origin).slices, common.shifted(-o for o in patch.start).slices


def pinned(alpha: NDArray[np.float32], covered: NDArray[np.bool_], trimap: Array) -> NDArray[np.float32]:
    """``alpha`` with known pixels at 0 and 1; an unknown pixel that no patch covers is a bug, never a zero."""
    classes = trimap_classes(trimap)
    unknown = classes == UNKNOWN
    if not covered[unknown].all():
        raise RuntimeError(f"{int((unknown & ~covered).sum())} unknown pixels are in no decoded patch")
    return np.where(unknown, alpha, classes == FOREGROUND).astype(np.float32)


def known(trimap: Array) -> NDArray[np.float32]:
    """The matte of pixels that are all known; an unknown one is a bug, never a zero."""
    classes = trimap_classes(trimap)
    if (classes == UNKNOWN).any():
        raise RuntimeError(f"{int((classes == UNKNOWN).sum())} unknown pixels are in no decoded patch")
    alpha: NDArray[np.float32] = (classes == FOREGROUND).astype(np.float32)
    return alpha


def _nearest(grid: Grid, slot: int) -> Box:
    """The pixels nearer to the centre of this patch than to another's; patches at the border own all beyond."""
    position = grid.position(slot)
    assert position is not None
    half = -(-grid.overlap // 2)
    starts = [i * grid.stride + half if i else 0 for i in position]
    cells = zip(position, grid.counts, strict=True)
    stops = [(i + 1) * grid.stride + half if i + 1 < n else n * grid.patch for i, n in cells]
    return Box((starts[0], starts[1]), (stops[0], stops[1]))
