"""Choosing each query's context patches by the correlation of pooled descriptors."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from pydantic import Field

from hdmatt_core.errors import UserError
from hdmatt_core.kinds import Sampler
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import All, Array, Block, Context, Own, Request, Specs, Target
from hdmatt_stages.correlation import COLUMNS, Ranking, correlate, fixed_point
from hdmatt_stages.pool import grid_of


class _Sampler(Sampler, ABC):
    @abstractmethod
    def width(self) -> int:
        """Columns of ``choice`` and ``scores``."""

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid, width = grid_of(specs), self.width()
        return {
            "choice": ArraySpec(("tile", "k"), (grid.slots, width), "int32", 1, grid),
            "scores": ArraySpec(("tile", "k"), (grid.slots, width), "float32", 1, grid),
        }


class TopK(_Sampler):
    """The ``k`` patches that correlate most with the query, exactly, over every candidate of the image.

    With ``q_U(s)`` the query's theta features at unknown positions and ``c_i(s')`` the phi features of context i,
    ``d_i = sum_s sum_s' <q_U(s), c_i(s')> = <sum_s q_U(s), sum_s' c_i(s')>``: one vector per patch is all that is
    needed, whatever the image's size. ``scores = softmax_i(d_i / temperature)`` over all candidates; the k best are
    kept, of equals the one with the lowest slot; -1 and 0 where there are fewer. The network pools by the mean, which
    divides every d by the square of the number of positions.

    Source: Yu et al., AAAI 2021, context patch sampling. The paper leaves open whether the query's own patch counts;
    here it does not unless ``include_self``.
    """

    class Params(_Sampler.Params):
        """How many, and how the scores are spread."""

        k: int = Field(3, ge=1, le=64, description="context patches of each query")
        temperature: float = Field(1.0, gt=0, description="divides the correlation before the softmax")
        include_self: bool = Field(False, description="whether a patch may be its own context")

    params: Params

    def width(self) -> int:
        return self.params.k

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        if specs["query"].channels != specs["context"].channels:
            raise UserError(
                f"'query' has {specs['query'].channels} channels, 'context' {specs['context'].channels}; "
                "wire both to the same encoder"
            )
        return super().infer(specs)

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"pool": All(), "context": All(), "query": Own()}

    def scratch(self, target: Target, specs: Specs) -> int:
        channels = specs["context"].channels or 0
        return 8 * COLUMNS * (3 * channels + 4 * len(target.slots)) + 8 * specs["pool"].shape[0]

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        slots = np.array(block.target.slots)
        candidates = np.flatnonzero(block.array("pool"))
        query, ranking = fixed_point(block.array("query")), Ranking(len(slots), self.params.k)
        for start in range(0, len(candidates), COLUMNS):
            names = candidates[start : start + COLUMNS]
            values = correlate(query, fixed_point(block.array("context")[names])) / self.params.temperature
            if not self.params.include_self:
                values[slots[:, None] == names] = -math.inf
            ranking.add(names, values)
        return {"choice": ranking.names, "scores": ranking.scores()}


class RandomContext(_Sampler):
    """An ablation: ``k`` candidates drawn at random without repetition, other than the query itself.

    Each of the N candidates has the score 1 / N. The draw depends on the run's seed and the patch alone.
    """

    class Params(_Sampler.Params):
        """How many."""

        k: int = Field(3, ge=1, le=64, description="context patches of each query")

    params: Params

    def width(self) -> int:
        return self.params.k

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"pool": All()}

    def scratch(self, target: Target, specs: Specs) -> int:
        return 32 * specs["pool"].shape[0]

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        candidates = np.flatnonzero(block.array("pool"))
        choice = np.full((len(block.target.slots), self.params.k), -1, np.int32)
        scores = np.zeros(choice.shape, np.float32)
        for row, slot in enumerate(block.target.slots):
            others = candidates[candidates != slot]
            count = min(self.params.k, len(others))
            choice[row, :count] = context.random(slot).choice(others, count, replace=False)
            scores[row, :count] = 1 / max(1, len(others))
        return {"choice": choice, "scores": scores}


class NoContext(_Sampler):
    """An ablation: no context at all, every patch on its own; ``choice`` is -1."""

    def width(self) -> int:
        return 1

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        shape = (len(block.target.slots), 1)
        return {"choice": np.full(shape, -1, np.int32), "scores": np.zeros(shape, np.float32)}
