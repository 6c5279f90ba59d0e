"""The share of attention on matching positions, against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hdmatt_core.evaluation.matching import Tally, cell_truth, tally

RED, BLUE, GREY = (0.9, 0.1, 0.1), (0.1, 0.1, 0.9), (0.5, 0.5, 0.5)


def pixels(*cells: tuple[float, ...]) -> np.ndarray:
    """Two positions of 16 px side by side, each of one value."""
    return np.concatenate([np.broadcast_to(np.array(cell, float), (16, 16, len(cell))) for cell in cells], axis=1)


def test_truth_unmixes_the_background() -> None:
    alpha, foreground = pixels((0.25,), (1.0,))[..., 0], pixels(RED, BLUE)
    image = alpha[..., None] * foreground + (1 - alpha[..., None]) * pixels(GREY, RED)
    truth = cell_truth(image, alpha, foreground, 16)
    np.testing.assert_allclose(truth.alpha, [[0.25, 1.0]])
    np.testing.assert_allclose(truth.foreground, [[RED, BLUE]])
    np.testing.assert_allclose(truth.background[0, 0], GREY)
    assert np.isnan(truth.background[0, 1]).all()  # nothing is seen of it


def test_truth_of_a_position_weighs_colours_by_alpha() -> None:
    alpha, foreground = np.zeros((16, 16)), np.zeros((16, 16, 3))
    alpha[:8], alpha[8:] = 0.75, 0.25
    foreground[:8], foreground[8:] = RED, BLUE
    truth = cell_truth(alpha[..., None] * foreground, alpha, foreground, 16)
    np.testing.assert_allclose(truth.foreground[0, 0], 0.75 * np.array(RED) + 0.25 * np.array(BLUE))


def question(weights: dict[str, list[list[float]]]) -> dict[str, Tally]:
    """A query of two positions, the second half red before blue; a context of four: F red, F grey, B blue, U."""
    alpha = pixels((1.0,), (0.5,))[..., 0]
    truth = cell_truth(0.5 * pixels(RED, RED) + 0.5 * pixels(RED, BLUE), alpha, pixels(RED, RED), 16)
    maps = {region: np.array(rows).reshape(2, 1, 1, 4) for region, rows in weights.items()}
    regions, colours = np.array([[2, 2, 0, 1]], np.uint8), np.array([[RED, GREY, BLUE, GREY]])
    opaque = np.array([[1.0, 1.0, 0.0, 0.55]])
    return tally(maps, np.array([[False, True]]), truth, [regions], [colours], [opaque])


def test_shares_by_hand() -> None:
    nothing = [0.0] * 4
    counted = question(
        {
            "unknown": [nothing, [0, 0, 0, 1]],
            "foreground": [nothing, [0.8, 0.2, 0, 0]],
            "background": [nothing, [0, 0, 1, 0]],
        }
    )
    seen = counted["foreground"]
    assert (seen.asked, seen.answered, seen.possible, seen.chance) == (1, 1, 1, 0.5)
    assert seen.share == pytest.approx(0.8)
    between = float(np.linalg.norm(np.subtract(GREY, RED)))
    assert (seen.error, seen.equal_error) == pytest.approx((0.2 * between, 0.5 * between))
    assert seen.spread == pytest.approx(np.exp(-0.8 * np.log(0.8) - 0.2 * np.log(0.2)) / 2)
    assert (counted["background"].share, counted["background"].error) == pytest.approx((1.0, 0.0), abs=1e-9)
    assert counted["unknown"].share == 1.0  # alpha 0.55 is within 0.1 of 0.5
    assert counted["unknown"].error == pytest.approx(0.05)


def test_a_region_that_no_context_has_is_asked_for_in_vain() -> None:
    alpha = pixels((0.5,), (0.5,))[..., 0]
    truth = cell_truth(pixels(GREY, GREY), alpha, pixels(RED, RED), 16)
    none = np.zeros((2, 1, 1, 2))
    regions = np.zeros((1, 2), np.uint8)
    counted = tally(
        {"foreground": none}, np.ones((1, 2), bool), truth, [regions], [np.zeros((1, 2, 3))], [np.zeros((1, 2))]
    )
    assert counted["foreground"] == Tally(asked=2)
    assert counted["foreground"].means()["answered"] == 0
    assert tally({"foreground": np.zeros((2, 0, 1, 2))}, np.ones((1, 2), bool), truth, [], [], []) == counted


def test_what_lies_in_other_patches_is_elsewhere() -> None:
    alpha = pixels((0.5,), (0.5,))[..., 0]
    truth = cell_truth(pixels(GREY, GREY), alpha, pixels(RED, RED), 16)
    maps = np.array([[0.3, 0.3, 0.1, 0.3], [0.0, 0.0, 0.0, 1.0]]).reshape(2, 2, 1, 2)
    regions, colours, opaque = [np.full((1, 2), 2, np.uint8)] * 2, [np.zeros((1, 2, 3))] * 2, [np.zeros((1, 2))] * 2

    def elsewhere(own: bool) -> float:
        found = tally({"foreground": maps}, np.ones((1, 2), bool), truth, regions, colours, opaque, own=own)
        return float(found["foreground"].means()["elsewhere"])

    assert elsewhere(own=True) == pytest.approx(0.3)
    assert elsewhere(own=False) == pytest.approx(1)


def test_tallies_add_up() -> None:
    one = Tally(2, 1, 1, 0.5, 0.25, 1.0, 0.3, 0.6, 0.1)
    means = (one + Tally(asked=2)).means()
    assert (means["asked"], means["answered"], means["share"], means["error"]) == (4, 0.25, 0.125, 0.3)
    assert Tally().means()["share"] == 0


@settings(max_examples=40)
@given(arrays.arrays(np.float64, (2, 1, 2, 3), elements=st.floats(0.01, 1)), st.integers(0, 2**31))
def test_equal_weights_match_by_chance(raw: np.ndarray, seed: int) -> None:
    random = np.random.default_rng(seed)
    regions = np.full((2, 3), 2, np.uint8)
    truth = cell_truth(random.random((16, 32, 3)), np.full((16, 32), 0.5), random.random((16, 32, 3)), 16)
    colours, asking = random.random((2, 3, 3)), np.ones((1, 2), bool)

    def counted(weights: np.ndarray) -> Tally:
        return tally({"foreground": weights}, asking, truth, [regions], [colours], [np.ones((2, 3))])["foreground"]

    even = counted(np.full((2, 1, 2, 3), 1 / 6))
    assert even.share == pytest.approx(even.chance)
    assert even.error == pytest.approx(even.equal_error)
    assert even.spread == pytest.approx(even.asked)
    some = counted(raw / raw.sum(axis=(1, 2, 3), keepdims=True))
    assert some.chance == pytest.approx(even.chance)
    assert 0 <= some.share <= some.possible + 1e-9
    assert some.spread <= even.spread + 1e-9
