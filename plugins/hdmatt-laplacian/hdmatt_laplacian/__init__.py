"""``blender.laplacian``: coarse structure crosses the overlap slowly, fine detail switches in its middle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hdmatt_core.geometry import Box, Grid
from hdmatt_core.hooks import hookimpl
from hdmatt_core.kinds import Blender
from hdmatt_core.nn.regions import FOREGROUND, UNKNOWN, trimap_classes
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Own, Request, Rows, Specs, StageType, Target

Plane = NDArray[np.float32]


class Laplacian(Blender):
    """Multi-band blending: ``alpha = sum_l sum_p w_{p,l} band_l(alpha_p)``, clipped to 0..1.

    ``band_l = G_l - G_{l+1}`` for ``l < levels - 1`` and ``G_l`` for the last, with ``G_0 = alpha_p`` and ``G_l`` its
    Gaussian blur of deviation ``2^(l-1)`` px. The weights of a band fall from 1 to 0 across the middle of an overlap,
    over ``overlap / 2^(levels-1-l)`` px: the whole overlap for the coarsest band, a fraction for the finest. At every
    level the weights of the patches over a pixel add up to 1. The pyramid is not decimated, so that a pixel depends
    on the patches over it alone and any tiling gives the same bits. Known pixels are 0 or 1 as the trimap says.

    Source: Burt and Adelson, "A Multiresolution Spline With Application to Image Mosaics", ACM Transactions on
    Graphics 2(4), 1983.
    """

    class Params(Blender.Params):
        """How many bands."""

        levels: int = Field(4, ge=1, le=8, description="bands; one is a plain cross-fade")

    params: Params

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        return {"alpha": ArraySpec(("y", "x"), specs["trimap"].shape, "float32")}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"patches": Rows(tuple(_grid(specs).covering(target.box))), "trimap": Own()}

    def scratch(self, target: Target, specs: Specs) -> int:
        height, width = target.box.shape
        return 16 * height * width + 32 * _grid(specs).patch ** 2

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        grid, box, rows = _grid(block.specs), block.target.box, block.rows("patches")
        place = {slot: row for row, slot in enumerate(rows.slots)}
        total, weights = np.zeros(box.shape, np.float32), np.zeros(box.shape, np.float32)
        for slot in grid.covering(box):  # in this order always: sums of floats must keep one
            if slot not in place:
                continue
            common = grid.box(slot).intersection(box)
            here, there = _within(common, grid.box(slot)), _within(common, box)
            for level, band in enumerate(_bands(rows.data[place[slot]], self.params.levels)):
                weight = _weight(grid, slot, grid.overlap / 2 ** (self.params.levels - 1 - level))[here]
                total[there] += weight * band[here]
            weights[there] += weight
        return {"alpha": _pinned(total, weights, block.array("trimap"))}


def _grid(specs: Specs) -> Grid:
    grid = specs["patches"].grid
    assert grid is not None
    return grid


def _within(box: Box, outer: Box) -> tuple[slice, ...]:
    return box.shifted(-start for start in outer.start).slices


def _bands(patch: Plane, levels: int) -> Iterator[Plane]:
    """The bands of a patch from fine to coarse; their sum is the patch."""
    from scipy.ndimage import gaussian_filter

    finer = patch
    for level in range(1, levels):
        coarser: Plane = gaussian_filter(patch, 2.0 ** (level - 1), mode="reflect", truncate=3.0)
        yield finer - coarser
        finer = coarser
    yield finer


def _weight(grid: Grid, slot: int, width: float) -> Plane:
    """Weights (P, P) that cross the middle of each shared overlap over ``width`` px."""
    position = grid.position(slot)
    assert position is not None
    inward = np.arange(grid.patch) + 0.5 - grid.overlap / 2
    rise = np.clip(inward / max(width, 1.0) + 0.5, 0, 1)
    axes = []
    for place, count in zip(position, grid.counts, strict=True):
        axis = rise if place > 0 else np.ones(grid.patch)
        axes.append(axis * rise[::-1] if place < count - 1 else axis)
    return np.outer(*axes).astype(np.float32)


def _pinned(alpha: Plane, weights: Plane, trimap: Array) -> Plane:
    classes = trimap_classes(trimap)
    unknown = classes == UNKNOWN
    if not (weights[unknown] > 0.5).all():
        raise RuntimeError("an unknown pixel is not covered by the decoded patches around it")
    return np.where(unknown, np.clip(alpha, 0, 1), classes == FOREGROUND).astype(np.float32)


@hookimpl
def hdmatt_stages() -> list[StageType]:
    """Bring the blender."""
    return [StageType("blender.laplacian", Laplacian, api=1)]
