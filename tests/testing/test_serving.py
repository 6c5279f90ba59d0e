"""Requests served from memory mean what the contract says."""

from __future__ import annotations

import numpy as np
import pytest

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.kinds import KINDS, TileState
from hdmatt_core.stage import All, Gather, Gathered, Own, Rows, Target, TileRows, Window
from hdmatt_core.testing import FakeContext, given, seeded_network, serve, standard_inputs, tiles_given
from hdmatt_core.testing.standard import GRID

SMALL = Grid((64, 96), 32, 0, 2)  # 2 x 3 patches in 2 blocks of 4 slots; slots 5 and 7 hold none
VALUES = np.arange(8) * 10
TABLE = tiles_given(VALUES, ("tile",), SMALL, slots=(0, 1, 4))
TARGET = Target(Box((0,), (8,)), (1, 4))


def test_own_gives_the_targets_rows_or_pixels() -> None:
    assert np.asarray(serve(Own(), "a", {"a": TABLE}, TARGET)).tolist() == [10, 40]
    image = given(np.arange(12).reshape(3, 4))
    assert np.asarray(serve(Own(), "a", {"a": image}, Target(Box((1, 1), (3, 3))))).tolist() == [[5, 6], [9, 10]]


def test_a_window_is_mirrored_as_numpy_does() -> None:
    image = np.random.default_rng(0).integers(0, 9, (4, 5, 3))
    got = serve(Window(Box((-3, -3), (7, 8))), "a", {"a": given(image)}, TARGET)
    np.testing.assert_array_equal(got, np.pad(image, ((3, 3), (3, 3), (0, 0)), "reflect"))


def test_rows_are_those_that_were_computed() -> None:
    rows = serve(Rows((4, 2, 0)), "a", {"a": TABLE}, TARGET)
    assert isinstance(rows, TileRows)
    assert rows.slots == (4, 0)
    assert rows.data.tolist() == [40, 0]


def test_gather_brings_every_named_row_once() -> None:
    index = tiles_given(np.array([[0, 0]] + [[4, -1]] + [[0, 0]] * 2 + [[0, 4]] + [[0, 0]] * 3), ("tile", "k"), SMALL)
    got = serve(Gather("pick"), "a", {"a": TABLE, "pick": index}, TARGET)
    assert isinstance(got, Gathered)
    assert got.own.tolist() == [10, 40]
    assert (got.slots, got.data.tolist()) == ((0, 4), [0, 40])
    assert got.index.tolist() == [[1, -1], [0, 1]]


def test_all_is_a_copy() -> None:
    whole = np.asarray(serve(All(), "a", {"a": TABLE}, TARGET))
    whole[:] = 0
    assert TABLE.array.tolist() == VALUES.tolist()


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"source", "sink"}))
def test_standard_inputs_repeat_and_fit_the_ports(kind: str) -> None:
    from hdmatt_core import kinds

    ports = getattr(kinds, kind.capitalize()).inputs
    first, again = standard_inputs(kind), standard_inputs(kind)
    assert set(first) == set(ports)
    for port, source in first.items():
        assert ports[port].accepts(source.spec), port
        np.testing.assert_array_equal(source.array, again[port].array)


def test_standard_inputs_of_a_free_kind_are_told() -> None:
    with pytest.raises(UserError, match=r"no standard inputs for kind 'filter'; override StageConformance\.given"):
        standard_inputs("filter")


def test_the_standard_table_holds_queries_known_and_absent_slots() -> None:
    states = set(standard_inputs("pool")["tiles"].array[:, 2].tolist())
    assert {TileState.ABSENT, TileState.BACKGROUND, TileState.QUERY} <= states
    assert GRID.slots > len(GRID.present(0, GRID.slots))


def test_the_context_repeats_its_numbers_by_seed_and_slot() -> None:
    draws = [FakeContext(seed=s).random(slot).integers(1 << 40) for s, slot in ((0, 1), (0, 1), (0, 2), (1, 1))]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 3
    assert FakeContext().network() is seeded_network("hdmatt-s")
