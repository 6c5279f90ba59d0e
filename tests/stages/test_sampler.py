"""Samplers: exact top-k against the full computation, scores that sum to one, draws that repeat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hdmatt_stages import NoContext, RandomContext, TopK, correlation
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Grid
from hdmatt_core.kinds import TileState
from hdmatt_core.stage import Array
from hdmatt_core.testing import FakeContext, Given, run_stage, tiles_given

GRID = Grid((32 * 6, 32 * 7), 32, 0, 2)
PRESENT = GRID.present(0, GRID.slots)


def inputs(seed: int, channels: int = 8, pool: NDArray[np.uint8] | None = None, scale: float = 1.0) -> dict[str, Given]:
    random = np.random.default_rng(seed)
    tiles = np.zeros((GRID.slots, 3), np.int32)
    for slot in PRESENT:
        tiles[slot] = (*GRID.box(slot).start, random.choice([TileState.KNOWN, TileState.QUERY]))
    tiles[PRESENT[0], 2] = TileState.QUERY
    every = np.zeros(GRID.slots, np.uint8)
    every[PRESENT] = 1
    vectors = (scale * random.normal(size=(2, GRID.slots, channels))).astype(np.float32)
    return {
        "tiles": tiles_given(tiles, ("tile", "c"), GRID),
        "pool": tiles_given(every if pool is None else pool, ("tile",), GRID),
        "query": tiles_given(vectors[0], ("tile", "c"), GRID),
        "context": tiles_given(vectors[1], ("tile", "c"), GRID),
    }


def queries(given_inputs: Mapping[str, Given]) -> list[int]:
    return np.flatnonzero(given_inputs["tiles"].array[:, 2] == TileState.QUERY).tolist()


def picked(given_inputs: Mapping[str, Given], **params: float) -> dict[str, Array]:
    return run_stage(TopK(TopK.Params(**params)), given_inputs)


def naive(given_inputs: Mapping[str, Given], k: int, temperature: float, include_self: bool) -> tuple[Array, Array]:
    """The whole matrix at once, sorted."""
    query, context = (given_inputs[port].array.astype(np.float64) for port in ("query", "context"))
    own = queries(given_inputs)
    values = query[own] @ context.T
    values[:, given_inputs["pool"].array == 0] = -np.inf
    if not include_self:
        values[np.arange(len(own)), own] = -np.inf
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    weight = np.exp((values - values.max(axis=1, keepdims=True)) / temperature)
    return order, np.take_along_axis(weight / weight.sum(axis=1, keepdims=True), order, axis=1)


@settings(max_examples=30)
@given(st.integers(0, 999), st.integers(1, 5), st.sampled_from([0.3, 1.0, 7.0]), st.booleans(), st.integers(1, 50))
def test_top_k_is_the_full_computation(seed: int, k: int, heat: float, own: bool, columns: int) -> None:
    given_inputs = inputs(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hdmatt_stages.sampler.COLUMNS", columns)
        made = picked(given_inputs, k=k, temperature=heat, include_self=own)
    order, scores = naive(given_inputs, k, heat, own)
    assert made["choice"].tolist() == order.tolist()
    np.testing.assert_allclose(made["scores"], scores, rtol=2e-5, atol=1e-7)


def test_equal_candidates_go_to_the_lowest_slot_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    given_inputs = inputs(0)
    given_inputs["context"].array[:] = given_inputs["context"].array[0]
    for columns in (4, 7, 8192):
        monkeypatch.setattr("hdmatt_stages.sampler.COLUMNS", columns)
        made = picked(given_inputs, k=3)
        for slot, row in zip(queries(given_inputs), made["choice"], strict=True):
            assert row.tolist() == [other for other in PRESENT if other != slot][:3]


def test_a_patch_is_never_its_own_context_unless_asked() -> None:
    given_inputs = inputs(1)
    given_inputs["context"].array[:] = given_inputs["query"].array * 10
    own = queries(given_inputs)
    without, with_self = picked(given_inputs, k=2), picked(given_inputs, k=2, include_self=True)
    assert not (without["choice"] == np.array(own)[:, None]).any()
    assert (with_self["choice"] == np.array(own)[:, None]).any(axis=1).mean() > 0.5


def test_fewer_candidates_than_k_leave_none() -> None:
    pool = np.zeros(GRID.slots, np.uint8)
    pool[PRESENT[0]] = pool[PRESENT[5]] = 1
    given_inputs = inputs(2, pool=pool)
    made = picked(given_inputs, k=4)
    first = made["choice"][queries(given_inputs).index(PRESENT[0])]
    assert first.tolist() == [PRESENT[5], -1, -1, -1]
    assert made["scores"][queries(given_inputs).index(PRESENT[0])].tolist() == [1, 0, 0, 0]


def test_an_empty_pool_gives_no_context() -> None:
    made = picked(inputs(3, pool=np.zeros(GRID.slots, np.uint8)))
    assert (made["choice"] == -1).all()
    assert (made["scores"] == 0).all()


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_vectors_of_any_size_rank_alike(scale: float) -> None:
    np.testing.assert_array_equal(picked(inputs(4, scale=scale))["choice"], picked(inputs(4))["choice"])


def test_bits_do_not_depend_on_the_order_of_a_sum() -> None:
    random = np.random.default_rng(5)
    a, b = random.normal(size=(2, 64, 128)).astype(np.float32)
    order = random.permutation(128)
    straight = correlation.correlate(correlation.fixed_point(a), correlation.fixed_point(b))
    shuffled = correlation.correlate(correlation.fixed_point(a[:, order]), correlation.fixed_point(b[:, order]))
    alone = correlation.correlate(correlation.fixed_point(a[3:4]), correlation.fixed_point(b[7:8]))
    np.testing.assert_array_equal(straight, shuffled)
    assert straight[3, 7] == alone[0, 0]
    np.testing.assert_allclose(straight, a.astype(np.float64) @ b.T.astype(np.float64), atol=2e-5)


def test_descriptors_of_different_length_are_told() -> None:
    given_inputs = inputs(0)
    specs = {port: source.spec for port, source in given_inputs.items()}
    specs["query"] = inputs(0, channels=9)["query"].spec
    with pytest.raises(UserError, match="wire both to the same encoder"):
        TopK(TopK.Params()).infer(specs)


def test_random_draws_repeat_with_the_seed_and_are_candidates() -> None:
    pool = np.zeros(GRID.slots, np.uint8)
    pool[PRESENT[:10]] = 1
    given_inputs = inputs(6, pool=pool)
    stage = RandomContext(RandomContext.Params(k=4))
    one, two, other = (run_stage(stage, given_inputs, context=FakeContext(seed=s))["choice"] for s in (1, 1, 2))
    assert one.tolist() == two.tolist() != other.tolist()
    for slot, row in zip(queries(given_inputs), one.tolist(), strict=True):
        assert len(set(row)) == 4
        assert set(row) <= set(PRESENT[:10]) - {slot}


def test_random_says_none_where_candidates_run_out() -> None:
    pool = np.zeros(GRID.slots, np.uint8)
    pool[PRESENT[0]] = 1
    given_inputs = inputs(7, pool=pool)
    made = run_stage(RandomContext(RandomContext.Params(k=2)), given_inputs)
    assert made["choice"][queries(given_inputs).index(PRESENT[0])].tolist() == [-1, -1]
    assert all(row in ([PRESENT[0], -1], [-1, -1]) for row in made["choice"].tolist())


def test_none_chooses_none() -> None:
    made = run_stage(NoContext(NoContext.Params()), inputs(8))
    assert (made["choice"] == -1).all()
    assert made["choice"].shape[1] == 1
