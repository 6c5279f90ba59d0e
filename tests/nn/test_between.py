"""Alpha by the colours beside a pixel: what it restores, and where it keeps out."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hdmatt_core.nn.between import between

SIDE = 48
RED, BLUE = (torch.tensor(rgb).view(1, 3, 1, 1) for rgb in ([1.5, -0.5, -1.0], [-1.2, 0.2, 1.4]))


def mixed(alpha: Tensor, foreground: Tensor = RED, background: Tensor = BLUE) -> Tensor:
    return alpha * foreground + (1 - alpha) * background


def blurred(alpha: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(alpha, (1, 1, 1, 1), mode="replicate"), 3, 1)


def strands(width: int = 6) -> Tensor:
    """Strands of full alpha with soft sides, (1, 1, SIDE, SIDE)."""
    return blurred(((torch.arange(SIDE) // width) % 3 == 1).float().expand(1, 1, SIDE, SIDE))


def apart(alpha: Tensor, truth: Tensor) -> float:
    return float((alpha - truth).abs().mean())


def test_a_blurred_matte_is_given_back_what_its_colours_say() -> None:
    truth = strands()
    assert apart(between(mixed(truth), blurred(truth)), truth) < 0.35 * apart(blurred(truth), truth)


def test_what_is_right_stays() -> None:
    truth = strands()
    assert apart(between(mixed(truth), truth), truth) < 0.01


@given(st.floats(0.05, 0.95), st.integers(0, 100))
def test_smoke_has_no_sure_colour_and_stays(level: float, seed: int) -> None:
    noise = 0.03 * torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    smoke = (level + noise).clamp(0, 1)
    assert torch.equal(between(mixed(smoke), smoke), smoke)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_where_only_one_side_is_seen_nothing_moves(level: float) -> None:
    colour = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    alpha = torch.full((1, 1, SIDE, SIDE), level)
    assert torch.equal(between(colour, alpha), alpha)


def test_foreground_like_the_background_moves_nothing() -> None:
    alpha = blurred(strands())
    torch.testing.assert_close(between(mixed(alpha, BLUE, BLUE), alpha), alpha, atol=1e-5, rtol=0)


def test_a_colour_off_the_line_between_both_is_not_believed() -> None:
    truth = strands()
    colour = mixed(truth)
    colour[..., 20:23, 20:23] = torch.tensor([0.0, 3.0, 0.0]).view(3, 1, 1)
    alpha = blurred(truth)
    odd = (slice(None), slice(None), 21, 21)
    assert float((between(colour, alpha) - alpha)[odd].abs()) < 0.02


@given(st.integers(0, 1000))
def test_alpha_stays_within_its_bounds(seed: int) -> None:
    among = torch.Generator().manual_seed(seed)
    colour = torch.randn(2, 3, 24, 20, generator=among)
    found = between(colour, torch.rand(2, 1, 24, 20, generator=among))
    assert ((found >= 0) & (found <= 1)).all()


def test_a_pixel_sees_two_to_each_side() -> None:
    among = torch.Generator().manual_seed(4)
    colour, alpha = torch.randn(1, 3, 16, 16, generator=among), torch.rand(1, 1, 16, 16, generator=among)
    other = alpha.clone()
    other[..., 8, 8] = 1 - other[..., 8, 8]
    moved = (between(colour, alpha) != between(colour, other))[0, 0]
    inside = torch.zeros_like(moved)
    inside[6:11, 6:11] = True
    assert moved.any()
    assert not moved[~inside].any()
