"""A sampler whose context patches keep their distance: neighbours overlap and tell the query the same twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hdmatt_core.geometry import Grid
from hdmatt_core.hooks import hookimpl
from hdmatt_core.kinds import Sampler
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import All, Array, Block, Context, Own, Request, Specs, StageType, Target


class Apart(Sampler):
    """The best-scored patches of which no two are nearer than ``distance`` patches (rows or columns) to each other."""

    class Params(Sampler.Params):
        """How many, and how far apart."""

        k: int = Field(3, ge=1, description="context patches of each query")
        distance: int = Field(2, ge=1, description="least distance of two of them, in patches")

    params: Params

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = grid_of(specs)
        shape = (grid.slots, self.params.k)
        return {
            "choice": ArraySpec(("tile", "k"), shape, "int32", grid=grid),
            "scores": ArraySpec(("tile", "k"), shape, "float32", grid=grid),
        }

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"tiles": All(), "pool": All(), "context": All(), "query": Own()}

    def scratch(self, target: Target, specs: Specs) -> int:
        slots, channels = specs["context"].shape
        return 8 * slots * (channels + 4 * len(target.slots))

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        slots = np.array(block.target.slots)
        names = np.flatnonzero(block.array("pool"))
        places = block.array("tiles")[:, :2] // grid_of(block.specs).stride
        logits = block.array("query").astype(np.float64) @ block.array("context")[names].astype(np.float64).T
        logits[slots[:, None] == names] = -np.inf  # a patch is not its own context
        scores = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-1e300))
        scores /= np.maximum(scores.sum(axis=1, keepdims=True), 1e-300)
        choice = np.full((len(slots), self.params.k), -1, np.int32)
        chosen = np.zeros(choice.shape, np.float32)
        for row, score in enumerate(scores):
            best = self._apart(np.argsort(-score, kind="stable"), score, places[names])
            choice[row, : len(best)], chosen[row, : len(best)] = names[best], score[best]
        return {"choice": choice, "scores": chosen}

    def _apart(self, order: NDArray[np.intp], score: NDArray[np.float64], places: NDArray[np.int32]) -> list[int]:
        kept: list[int] = []
        for one in order:
            if len(kept) == self.params.k or score[one] == 0:
                break
            if all(np.abs(places[one] - places[other]).max() >= self.params.distance for other in kept):
                kept.append(int(one))
        return kept


def grid_of(specs: Specs) -> Grid:
    """The grid of patches that every table over tiles carries."""
    grid = specs["tiles"].grid
    assert grid is not None
    return grid


@hookimpl
def hdmatt_stages() -> list[StageType]:
    """Register ``sampler.apart``, written for version 1 of the contract."""
    return [StageType("sampler.apart", Apart, api=1)]
