"""sampler.nearby: the contract, and who is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hdmatt_nearby import Nearby, hdmatt_stages
from pydantic import ValidationError

from hdmatt_core.kinds import TileState
from hdmatt_core.testing import StageConformance, run_stage, standard_inputs


class TestNearby(StageConformance):
    name, stage, params = "sampler.nearby", Nearby, {"k": 4, "near": 2}


def test_the_hook_brings_the_sampler() -> None:
    assert [(t.name, t.stage, t.api) for t in hdmatt_stages()] == [("sampler.nearby", Nearby, 1)]


@pytest.mark.parametrize("near", [0, 1, 3])
def test_some_are_near_and_the_others_alike(near: int) -> None:
    inputs = standard_inputs("sampler")
    grid = inputs["tiles"].spec.grid
    assert grid is not None
    made = run_stage(Nearby(Nearby.Params(k=3, near=near)), inputs)
    queries = np.flatnonzero(inputs["tiles"].array[:, 2] == TileState.QUERY)
    for slot, choice, scores in zip(queries.tolist(), made["choice"].tolist(), made["scores"].tolist(), strict=True):
        others = [other for other in grid.present(0, grid.slots) if other != slot]
        here = np.array(grid.position(slot))
        by_distance = sorted(others, key=lambda o: (((np.array(grid.position(o)) - here) ** 2).sum(), o))
        values = inputs["context"].array[others].astype(float) @ inputs["query"].array[slot].astype(float)
        by_value = [others[i] for i in np.argsort(-values)]
        alike = [other for other in by_value if other not in by_distance[:near]][: 3 - near]
        assert set(choice) == {*by_distance[:near], *alike}
        assert scores == sorted(scores, reverse=True)
        weight = np.exp(values - values.max())
        want = (weight / weight.sum())[[others.index(c) for c in choice]]
        np.testing.assert_allclose(scores, want, rtol=1e-5)


def test_too_few_candidates_leave_none() -> None:
    inputs = standard_inputs("sampler")
    inputs["pool"].array[:] = 0
    first = inputs["tiles"].slots[0]
    inputs["pool"].array[first] = 1
    made = run_stage(Nearby(Nearby.Params(k=3, near=1)), inputs)
    assert {tuple(row) for row in made["choice"].tolist()} <= {(first, -1, -1), (-1, -1, -1)}
    assert made["scores"].max() == 1


def test_more_near_than_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="near 3 is more than k 2"):
        Nearby.Params(k=2, near=3)
