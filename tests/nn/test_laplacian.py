"""The matting Laplacian finds mattes that are linear in colour, and agrees with the dense solution."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hdmatt_core.nn.laplacian import _Operator, _stencil, _windows, solve

SIDE = 12
PIN, FLAT = 10.0, 1e-5
STEPS = 32
LOWEST = 0.003


def scene(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random smooth colour, known columns at both ends, a foreground of one and of nought there."""
    random = np.random.default_rng(seed)
    colour = torch.from_numpy(random.normal(size=(1, 3, SIDE, SIDE)).astype(np.float32))
    known = torch.zeros(1, 1, SIDE, SIDE)
    known[..., :2] = known[..., -2:] = 1
    alpha = torch.full_like(known, 0.5)
    alpha[..., :2], alpha[..., -2:] = 1, 0
    return colour, known, alpha


def evaluated(lines: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
    return (lines[:, :3] * colour).sum(dim=1, keepdim=True) + lines[:, 3:]


def test_a_matte_linear_in_colour_is_found() -> None:
    colour, known, _ = scene(0)
    truth = (0.5 + 0.2 * colour[:, :1] - 0.1 * colour[:, 2:]).clamp(0.0, 1.0)
    linear = (truth > 0) & (truth < 1)
    given = torch.where(known > 0, truth, 0.5)
    found = evaluated(solve(colour, known, given, torch.zeros_like(known), STEPS, LOWEST), colour)
    error = (found - truth).abs()[linear]
    assert error.mean() < 0.03
    assert error.mean() < 0.2 * (given - truth).abs()[linear & (known == 0)].mean()


def dense(colour: torch.Tensor) -> NDArray[np.float64]:
    """Closed form's smoothing written out: row i averages, over the windows over i, what their lines say of i."""
    pixels = colour[0].permute(1, 2, 0).numpy().astype(np.float64)
    smooth = np.zeros((SIDE, SIDE, SIDE, SIDE))
    windows = np.zeros((SIDE, SIDE))
    for y in range(SIDE):
        for x in range(SIDE):
            rows, columns = (slice(max(at - 1, 0), at + 2) for at in (y, x))
            inside = pixels[rows, columns]
            apart = (inside - inside.mean(axis=(0, 1))).reshape(-1, 3)
            inverse = np.linalg.inv(apart.T @ apart / len(apart) + FLAT * np.eye(3))
            share = (1 + apart @ inverse @ apart.T) / len(apart)
            where = np.ix_(range(*rows.indices(SIDE)), range(*columns.indices(SIDE)))
            indices = [(int(i), int(j)) for i in where[0].ravel() for j in where[1].ravel()]
            for a, (i, j) in enumerate(indices):
                windows[i, j] += 1
                for b, (k, m) in enumerate(indices):
                    smooth[i, j, k, m] += share[a, b]
    return (smooth / windows[..., None, None]).reshape(SIDE**2, SIDE**2)


def test_the_steps_come_near_the_dense_solution() -> None:
    colour, known, alpha = scene(1)
    found = evaluated(solve(colour, known, alpha, torch.zeros_like(known), STEPS, LOWEST), colour)[0, 0].numpy()
    smooth, pin = dense(colour), PIN * known.numpy().ravel().astype(np.float64)
    system = np.eye(SIDE**2) - smooth + np.diag(pin)
    want = np.linalg.solve(system, pin * alpha.numpy().ravel())
    # `solve` returns lines; what they say of a cell is one smoothing of the solution.
    np.testing.assert_allclose(found.ravel(), smooth @ want, atol=0.05)


def test_one_colour_everywhere_is_finite() -> None:
    _, known, alpha = scene(2)
    lines = solve(torch.full((1, 3, SIDE, SIDE), 0.7), known, alpha, torch.zeros_like(known), STEPS, LOWEST)
    assert torch.isfinite(lines).all()


def test_an_accelerator_multiplies_all_taps_at_once_and_finds_the_same() -> None:
    colour = torch.from_numpy(np.random.default_rng(3).random((2, 3, 9, 14), np.float32))
    x = torch.rand(2, 9, 14)
    operator = _Operator(_stencil(_windows(colour)), torch.ones(()), x.shape)
    torch.testing.assert_close(operator.together(), torch.zeros_like(x))
    one_by_one = operator.summed(x)
    assert one_by_one.abs().max() > 0
    torch.testing.assert_close(operator.together(), one_by_one)
