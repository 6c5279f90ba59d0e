"""Pools: who is near an unknown pixel, and an even choice of those."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hdmatt_stages import AllPatches, NearUnknown
from numpy.typing import NDArray

from hdmatt_core.geometry import Grid
from hdmatt_core.kinds import TileState
from hdmatt_core.testing import FakeContext, complete, tiles_given

GRID = Grid((32 * 20, 32 * 30), 32, 0, 4)


def table(queries: list[tuple[int, int]]) -> NDArray[np.int32]:
    tiles = np.zeros((GRID.slots, 3), np.int32)
    for slot in GRID.present(0, GRID.slots):
        tiles[slot] = (*GRID.box(slot).start, TileState.QUERY if GRID.position(slot) in queries else TileState.KNOWN)
    return tiles


def pooled(queries: list[tuple[int, int]], seed: int = 0, **params: float | None) -> set[tuple[int, int] | None]:
    stage = NearUnknown(NearUnknown.Params(**params))
    made = complete(stage, {"tiles": tiles_given(table(queries), ("tile", "c"), GRID)}, FakeContext(seed=seed))
    return {GRID.position(int(slot)) for slot in np.flatnonzero(made["pool"].array)}


def test_all_takes_every_patch_and_no_absent_slot() -> None:
    made = complete(AllPatches(AllPatches.Params()), {"tiles": tiles_given(table([]), ("tile", "c"), GRID)})
    assert np.flatnonzero(made["pool"].array).tolist() == GRID.present(0, GRID.slots)


@pytest.mark.parametrize("radius", [0, 1, 3])
def test_near_takes_what_is_within_the_radius(radius: int) -> None:
    queries = [(0, 0), (7, 9), (19, 29)]
    places = [(row, col) for row in range(20) for col in range(30)]
    want = {p for p in places if any(max(abs(p[0] - q[0]), abs(p[1] - q[1])) <= radius for q in queries)}
    assert pooled(queries, radius=radius) == want


def test_without_a_radius_known_patches_come_from_the_whole_picture() -> None:
    queries = [(row, col) for row in range(4) for col in range(5)]
    drawn = pooled(queries, radius=None, known=1)
    others = drawn - set(queries)
    assert set(queries) <= drawn
    assert len(others) == len(queries)
    assert {(row // 10, col // 15) for row, col in filter(None, others)} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert len(pooled(queries, radius=None)) == 20 * 30
    assert pooled([], radius=None) == set()


def test_near_takes_nothing_where_nothing_is_unknown() -> None:
    assert pooled([], radius=3) == set()


def test_most_bounds_the_pool_and_depends_on_the_seed_alone() -> None:
    queries = [(row, col) for row in range(20) for col in range(30)]
    first, again, other = (pooled(queries, seed=s, most=40) for s in (1, 1, 2))
    assert len(first) == 40
    assert first == again != other


def test_most_spreads_over_the_picture() -> None:
    queries = [(row, col) for row in range(20) for col in range(30)]
    drawn = np.array(sorted(p for p in pooled(queries, most=60) if p))
    quarters = {(row // 10, col // 15): 0 for row, col in drawn}
    for row, col in drawn:
        quarters[row // 10, col // 15] += 1
    assert sorted(quarters) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert min(quarters.values()) >= 10


def test_queries_stay_and_known_patches_are_bounded_by_their_number() -> None:
    queries = [(row, col) for row in range(2, 6) for col in range(2, 27)]
    drawn = pooled(queries, radius=2, known=0.25)
    assert set(queries) <= drawn
    assert len(drawn) == len(queries) + math.ceil(len(queries) / 4)
    assert drawn <= pooled(queries, radius=2)
    assert pooled(queries, radius=2, known=0) == set(queries)
    assert pooled(queries, radius=1, known=9) == pooled(queries, radius=1)


def test_most_bounds_queries_and_known_patches_together() -> None:
    queries = [(row, col) for row in range(2, 6) for col in range(2, 27)]
    assert len(pooled(queries, radius=2, known=0.25, most=30)) == 30


def test_most_above_the_number_changes_nothing() -> None:
    assert pooled([(3, 3)], radius=1, most=9) == pooled([(3, 3)], radius=1)
