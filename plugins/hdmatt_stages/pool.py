"""Which patches may serve as context, decided before anything is encoded."""

from __future__ import annotations

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
    """Patches within ``radius`` patches of a query, and at most ``most`` of those: a bounded pool for gigapixels.

    Patch p is a candidate if ``min over queries q of max(|row_p - row_q|, |col_p - col_q|) <= radius``. If they are
    more than ``most``, they are put in Z-order (Morton, 1966), cut into ``most`` runs of equal length, and one is
    drawn from each at random: an even spread over the picture. Patches that are neither drawn nor queries are never
    encoded. Not in the paper, which takes every patch.
    """

    class Params(_Pool.Params):
        """Distances are counted in patches."""

        radius: int = Field(2, ge=0, description="how far from a query, in patches; 0 takes the queries alone")
        most: int | None = Field(None, ge=1, description="at most so many candidates; no limit if left out")

    params: Params

    def scratch(self, target: Target, specs: Specs) -> int:
        return 64 * len(target.slots)

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        grid = grid_of(block.specs)
        slots = np.array(block.target.slots)
        places = block.array("tiles")[slots, :2] // grid.stride
        queries = block.array("tiles")[slots, 2] == TileState.QUERY
        near = np.flatnonzero(self._near(grid, places, queries))
        if self.params.most is not None and len(near) > self.params.most:
            near = _spread(near[np.argsort(_z_order(places[near]))], self.params.most, context.random(0))
        pool = np.zeros(len(slots), np.uint8)
        pool[near] = 1
        return {"pool": pool}

    def _near(self, grid: Grid, places: NDArray[np.int32], queries: NDArray[np.bool_]) -> NDArray[np.bool_]:
        from scipy.ndimage import maximum_filter

        rows, cols = places.T
        chart = np.zeros(grid.counts, bool)
        chart[rows[queries], cols[queries]] = True
        reached = maximum_filter(chart, size=2 * self.params.radius + 1, mode="constant")
        near: NDArray[np.bool_] = reached[rows, cols]
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


def _spread(ordered: NDArray[np.intp], most: int, random: np.random.Generator) -> NDArray[np.intp]:
    """One of each of ``most`` runs of nearly equal length."""
    edges = np.arange(most + 1) * len(ordered) // most
    drawn: NDArray[np.intp] = ordered[random.integers(edges[:-1], edges[1:])]
    return drawn
