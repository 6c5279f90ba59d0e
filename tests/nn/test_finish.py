"""The last touch: edges follow colour, and what the trimap knows stays."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from hdmatt_core.nn.finish import finished, touched
from hdmatt_core.nn.inputs import make_input

SIDE = 96


def striped(count: int = 1, unknown: slice = slice(16, 80)) -> tuple[Tensor, Tensor]:
    """Inputs (B, 6, H, W) of red stripes before blue, four pixels wide, unknown in a square; and their alpha."""
    truth = np.zeros((count, SIDE, SIDE), np.float32)
    truth[:, :, (np.arange(SIDE) // 4) % 2 == 1] = 1
    noise = np.random.default_rng(0).normal(0, 4, (count, SIDE, SIDE, 3))
    rgb = np.where(truth[..., None] > 0, [200, 40, 30], [30, 60, 190]) + noise
    trimap = (255 * truth).astype(np.uint8)
    trimap[:, unknown, unknown] = 128
    return make_input(rgb.clip(0, 255).astype(np.uint8), trimap), torch.from_numpy(truth)[:, None]


def error(x: Tensor, alpha: Tensor, truth: Tensor) -> float:
    return float((alpha - truth).abs()[x[:, 4:5] > 0].mean())


def test_where_the_network_is_not_sure_edges_follow_colour() -> None:
    x, truth = striped()
    blurred = F.avg_pool2d(F.pad(truth, (1, 1, 1, 1), mode="replicate"), 3, 1)
    found = finished(x, blurred)
    assert error(x, found, truth) < 0.5 * error(x, blurred, truth)


def test_what_the_trimap_knows_stays() -> None:
    x, truth = striped()
    wrong = torch.full_like(truth, 0.5) * (x[:, 4:5] > 0) + x[:, 5:]
    found = finished(x, wrong)
    known = x[:, 4:5] == 0
    assert torch.equal(found[known], truth[known])
    assert ((found >= 0) & (found <= 1)).all()


def test_batch_and_position_do_not_change_bits() -> None:
    x, truth = striped(3)
    x[1, :, :40] = x[1, :, :40].flip(2)
    x[2, 4, 30:] = 0
    alpha = torch.from_numpy(np.random.default_rng(1).random(truth.shape, np.float32))
    found = finished(x, alpha)
    for rows in (slice(0, 1), slice(1, 2), slice(1, 3)):
        assert torch.equal(finished(x[rows], alpha[rows]), found[rows])


def test_what_it_is_given_is_not_changed() -> None:
    x, truth = striped()
    alpha = truth * 0.8
    before = alpha.clone()
    finished(x, alpha)
    assert torch.equal(alpha, before)


def test_gradients_go_through_it() -> None:
    x, _ = striped()
    x = x[:, :, 8:24, 8:24].double()  # a corner of what is unknown, and known pixels around it
    alpha = torch.from_numpy(np.random.default_rng(3).uniform(0.1, 0.9, (1, 1, 16, 16))).requires_grad_()
    assert torch.autograd.gradcheck(lambda a: touched(x, a), alpha)


def test_without_gradients_the_last_touch_has_the_same_bits() -> None:
    x, truth = striped()
    alpha = (0.8 * truth).requires_grad_()
    with torch.no_grad():
        want = touched(x, alpha)
    assert torch.equal(touched(x, alpha).detach(), want)
