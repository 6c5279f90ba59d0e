"""``sampler.nearby``: some context patches because they are near, the others because they are alike."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from hdmatt_core.geometry import Grid
from hdmatt_core.hooks import hookimpl
from hdmatt_core.kinds import Sampler
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import All, Array, Block, Context, Own, Request, Specs, StageType, Target

Chosen = NDArray[np.intp]


class Nearby(Sampler):
    """The ``near`` candidates closest in the image, and the best correlated of the others, k in all.

    Closeness is the distance between patch centres; the correlation is HDMatt's, ``d_i = <query, context_i>`` of the
    pooled descriptors, and ``scores = softmax_i(d_i)`` over all candidates. Of equals the lowest slot is taken. A
    patch is never its own context. What lies beside a query is often the same object; what is alike may be anywhere.

    Source: Yu et al., AAAI 2021, context patch sampling, for the correlation; the rest is this project's.
    """

    class Params(Sampler.Params):
        """How many of each."""

        k: int = Field(4, ge=1, le=64, description="context patches of each query")
        near: int = Field(2, ge=0, description="how many of them are taken for being near; at most k")

        @model_validator(mode="after")
        def _at_most_k(self) -> Self:
            if self.near > self.k:
                raise ValueError(f"near {self.near} is more than k {self.k}")
            return self

    params: Params

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = _grid(specs)
        shape = (grid.slots, self.params.k)
        return {
            "choice": ArraySpec(("tile", "k"), shape, "int32", 1, grid),
            "scores": ArraySpec(("tile", "k"), shape, "float32", 1, grid),
        }

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"pool": All(), "query": Own(), "context": All()}

    def scratch(self, target: Target, specs: Specs) -> int:
        slots, channels = specs["context"].shape
        return slots * (16 * channels + 160)

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        candidates = np.flatnonzero(block.array("pool"))
        places = _places(_grid(block.specs), candidates)
        vectors = block.array("context")[candidates].astype(np.float64)
        shape = (len(block.target.slots), self.params.k)
        choice, scores = np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
        for row, (slot, query) in enumerate(zip(block.target.slots, block.array("query"), strict=True)):
            # Summed row by row: a matrix product's bits would depend on how many patches are asked together.
            values = (vectors * query.astype(np.float64)).sum(axis=1)
            values[candidates == slot] = -np.inf
            apart = ((places - _places(_grid(block.specs), np.array([slot]))) ** 2).sum(axis=1)
            chosen = self._chosen(values, apart)
            choice[row, : len(chosen)] = candidates[chosen]
            scores[row, : len(chosen)] = _softmax(values)[chosen]
        return {"choice": choice, "scores": scores}

    def _chosen(self, values: NDArray[np.float64], apart: NDArray[np.intp]) -> Chosen:
        """Indices of at most k candidates, the best score first; -inf is no candidate."""
        others = np.flatnonzero(np.isfinite(values))
        near = others[np.argsort(apart[others], kind="stable")[: self.params.near]]
        rest = np.setdiff1d(others, near)
        alike = rest[np.argsort(-values[rest], kind="stable")[: self.params.k - len(near)]]
        chosen = np.sort(np.concatenate([near, alike]))
        return chosen[np.argsort(-values[chosen], kind="stable")]


def _grid(specs: Specs) -> Grid:
    grid = specs["tiles"].grid
    assert grid is not None
    return grid


def _places(grid: Grid, slots: Chosen) -> Chosen:
    """Row and column (n, 2) of the patches in ``slots``."""
    return np.array([grid.position(int(slot)) for slot in slots], np.intp).reshape(-1, 2)


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    top = values.max(initial=-np.inf)
    weight = np.exp(values - (top if np.isfinite(top) else 0.0))
    scores: NDArray[np.float64] = weight / max(weight.sum(), 1.0)
    return scores


@hookimpl
def hdmatt_stages() -> list[StageType]:
    """Bring the sampler."""
    return [StageType("sampler.nearby", Nearby, api=1)]
