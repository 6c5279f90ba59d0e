"""A palette says how often foreground and background have a colour, and where they lie does not matter."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.palette import coded, counted, decoded, likely, looked_up, spread_palette
from hdmatt_core.nn.presets import BINS, PALETTE

RED, GREEN, BLUE = (220, 20, 30), (20, 210, 40), (30, 30, 230)


def halves(foreground: tuple[int, ...], background: tuple[int, ...], unknown: tuple[int, ...]) -> torch.Tensor:
    """A picture of three strips: known foreground, known background, unknown."""
    rgb = np.zeros((1, 32, 96, 3), np.uint8)
    trimap = np.full((1, 32, 96), 128, np.uint8)
    for number, (colour, value) in enumerate(((foreground, 255), (background, 0), (unknown, 128))):
        strip = slice(32 * number, 32 * number + 32)
        rgb[:, :, strip], trimap[:, :, strip] = colour, value
    return make_input(rgb, trimap)


def alpha_of(x: torch.Tensor) -> float:
    return float(looked_up(likely(counted(x)), x)[0, 0, 16, 80])


def test_a_colour_takes_after_those_that_have_it() -> None:
    assert alpha_of(halves(RED, GREEN, RED)) > 0.95
    assert alpha_of(halves(RED, GREEN, GREEN)) < 0.05
    assert alpha_of(halves(RED, GREEN, (230, 60, 60))) > 0.9
    assert abs(alpha_of(halves(RED, RED, RED)) - 0.5) < 0.01


def test_few_known_pixels_count_as_much_as_many() -> None:
    x = halves(RED, GREEN, RED)
    x[:, 3:, :, 4:32] = torch.tensor([0.0, 1.0, 0.0])[:, None, None]
    assert alpha_of(x) > 0.95


def test_one_that_is_not_known_at_all_may_have_any_colour() -> None:
    for unknown, alpha in ((RED, 1), (BLUE, 1), (GREEN, 0)):
        x = halves(RED, GREEN, unknown)
        x[:, 3:, :, :32] = torch.tensor([0.0, 1.0, 0.0])[:, None, None]
        assert abs(alpha_of(x) - alpha) < 0.2


def test_a_colour_that_is_known_nowhere_is_not_trusted() -> None:
    near, far = (looked_up(likely(counted(x)), x)[0, 1, 16, 80] for x in (halves(RED, GREEN, c) for c in (RED, BLUE)))
    assert near > 0.8
    assert far < 0.1


def test_where_nothing_is_known_it_says_nothing() -> None:
    x = halves(RED, GREEN, BLUE)
    x[:, 3:] = torch.tensor([0.0, 1.0, 0.0])[:, None, None]
    assert looked_up(likely(counted(x)), x)[0, 0].eq(0.5).all()


def test_histograms_are_shares_with_the_means_of_colours() -> None:
    random = np.random.default_rng(2)
    rgb = random.integers(0, 256, (2, 40, 48, 3), np.uint8)
    trimap = random.choice(np.array([0, 128, 255], np.uint8), (2, 40, 48))
    counts = counted(make_input(rgb, trimap)).view(2, 2, PALETTE)
    bins = torch.arange(PALETTE)
    axes = torch.stack([bins % BINS, bins // BINS % BINS, bins // BINS**2]) / (BINS - 1)
    for one in range(2):
        for region, value in enumerate((255, 0)):
            known = trimap[one, ::2, ::2] == value
            assert abs(float(counts[one, region].sum()) - known.mean()) < 1e-5
            mean = (counts[one, region] * axes).sum(1) / counts[one, region].sum()
            assert np.allclose(mean, rgb[one, ::2, ::2][known].mean(0) / 255, atol=1e-4)


def test_bytes_keep_a_few_pixels_of_a_tile() -> None:
    shares = torch.tensor([0.0, 2 / 144**2, 0.01, 0.5, 1.0])
    assert torch.allclose(decoded(coded(shares)), shares, rtol=0.05, atol=5e-5)
    assert coded(shares)[1] > 0


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_parts_without_known_pixels_take_after_the_others(rows: int, columns: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    counts = torch.zeros(rows, columns, 2, PALETTE)
    row, column = random.integers(rows), random.integers(columns)
    counts[row, column, 0, 5], counts[row, column, 1, 900] = 0.01, 0.3
    tables = spread_palette(counts.flatten(2))
    assert tables.shape == (rows, columns, 2 * PALETTE)
    foreground, background = tables.view(rows, columns, 2, PALETTE).int().unbind(2)
    assert (foreground - background)[..., 5].min() > 200
    assert (background - foreground)[..., 900].min() > 200
