"""Which patches may serve as context, decided before anything is encoded."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hdmatt_core.geometry import Grid
from hdmatt_core.kinds import Pool, TileState
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import All, Array, Block, Context, Request, Specs, Target


class _Pool(Pool):
    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = grid_of(specs)
        return {"pool": ArraySpec(("tile",), (grid.slots,), "uint8", 1, grid)}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"tiles": All()}


class AllPatches(_Pool):
    """Every patch is a candidate: exact context over the whole image, as in the paper.

    Every patch is then encoded, unknown or not. Source: Yu et al., AAAI 2021, context patch sampling.
    """

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        return {"pool": np.ones(len(block.target.slots), np.uint8)}


class NearUnknown(_Pool):
    """Patches within ``radius`` patches of a query, and at most so many of those: a bounded pool for large pictures.

    Patch p is a candidate if ``min over queries q of max(|row_p - row_q|, |col_p - col_q|) <= radius``. Queries are
    encoded in any case; what a pool costs are the others, of which at most ``known`` are taken for each query. If
    there are more, or more than ``most`` in all, they are put in Z-order (Morton, 1966), cut into as many runs of
    equal length as may stay, and one is drawn from each at random: an even spread over the picture. Patches that are
    neither drawn nor queries are never encoded. Not in the paper, which takes every patch.
    """

    class Params(_Pool.Params):
        """Distances are counted in patches."""

        radius: int | None = Field(
            2, ge=0, description="how far from a query, in patches; 0 takes the queries alone, null any distance"
        )
        known: float | None = Field(
            None, ge=0, description="at most so many known patches for each query; no limit if left out"
        )
        most: int | None = Field(None, ge=1, description="at most so many candidates; no limit if left out")

    params: Params

    def scratch(self, target: Target, specs: Specs) -> int:
        return 64 * len(target.slots)

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        grid = grid_of(block.specs)
        slots = np.array(block.target.slots)
        places = block.array("tiles")[slots, :2] // grid.stride
        queries = block.array("tiles")[slots, 2] == TileState.QUERY
        near, most = self._near(grid, places, queries), self.params.most
        if self.params.known is not None:
            others = np.flatnonzero(near & ~queries)
            near[others] = False
            near[_fewer(others, places, math.ceil(self.params.known * int(queries.sum())), context.random(1))] = True
        pool = np.zeros(len(slots), np.uint8)
        pool[_fewer(np.flatnonzero(near), places, most, context.random(0))] = 1
        return {"pool": pool}

    def _near(self, grid: Grid, places: NDArray[np.int32], queries: NDArray[np.bool_]) -> NDArray[np.bool_]:
        radius = self.params.radius
        if radius is None:
            return np.full(len(places), queries.any())
        rows, cols = places.T
        chart = np.zeros(grid.counts, bool)
        chart[rows[queries], cols[queries]] = True
        for axis, count in enumerate(chart.shape):
            # How many stand before each place; the difference of two such numbers tells of all between them.
            before = np.insert(np.cumsum(chart, axis=axis), 0, 0, axis=axis)
            first, last = (np.arange(count) + reach for reach in (-radius, radius + 1))
            chart = before.take(np.minimum(last, count), axis) > before.take(np.maximum(first, 0), axis)
        near: NDArray[np.bool_] = chart[rows, cols]
        return near


def grid_of(specs: Specs) -> Grid:
    """The grid of the table of tiles."""
    grid = specs["tiles"].grid
    assert grid is not None
    return grid


def _z_order(places: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Row and column with their bits interleaved: neighbours in this order are neighbours in the plane."""
    code = np.zeros(len(places), np.uint64)
    for bit in range(31):
        for axis in (0, 1):
            code |= ((places[:, axis].astype(np.uint64) >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit + axis)
    return code


def _fewer(
    patches: NDArray[np.intp], places: NDArray[np.int32], most: int | None, random: np.random.Generator
) -> NDArray[np.intp]:
    """All of ``patches``, or an even spread of ``most`` of them over the picture."""
    if most is None or len(patches) <= most:
        return patches
    ordered = patches[np.argsort(_z_order(places[patches]))]
    return _spread(ordered, most, random) if most else ordered[:0]


def _spread(ordered: NDArray[np.intp], most: int, random: np.random.Generator) -> NDArray[np.intp]:
    """One of each of ``most`` runs of nearly equal length."""
    edges = np.arange(most + 1) * len(ordered) // most
    drawn: NDArray[np.intp] = ordered[random.integers(edges[:-1], edges[1:])]
    return drawn
