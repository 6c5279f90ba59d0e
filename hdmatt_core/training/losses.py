"""The loss: alpha, recomposed colour and gradient, over the unknown region (method: loss)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

_OVERSHOOT = 0.1
_LEAST = -30.0


def matting_loss(raw: Tensor, alpha: Tensor, unknown: Tensor, contrast: Tensor, gradient: float) -> Tensor:
    """Return (L_alpha + L_comp) / 2 + gradient * L_grad, Charbonnier, mean over unknown pixels; all (n, 1, P, P).

    L_comp recomposes with the true F and B, hence is |d| times `contrast` = |F - B|.
    """
    error = _shortfall(raw - alpha, alpha)
    weight = unknown / unknown.sum().clamp_min(1.0)
    pixel = (_charbonnier(error) * (1 + contrast) * weight).sum() / 2
    return pixel + gradient * (_gradient(error) * weight).sum()


def choice_loss(scores: Tensor, share: Tensor) -> Tensor:
    """Return the cross-entropy of the choice's log-softmax (N, N) to the share of attention (N, N), mean over N."""
    return -(share * scores.clamp_min(_LEAST)).sum(dim=1).mean()


def _charbonnier(error: Tensor) -> Tensor:
    return (error.square() + 1e-12).sqrt()


def _shortfall(error: Tensor, alpha: Tensor) -> Tensor:
    """Beyond a truth of 0 or 1 the clamp repairs the error, so overshooting costs a tenth."""
    harmless = ((alpha >= 1) & (error > 0)) | ((alpha <= 0) & (error < 0))
    return error * (1 - (1 - _OVERSHOOT) * harmless)


def _gradient(error: Tensor) -> Tensor:
    """Absolute differences of the error to the right and lower neighbour, (n, 1, P, P)."""
    right = F.pad(error[..., 1:] - error[..., :-1], (0, 1))
    down = F.pad(error[..., 1:, :] - error[..., :-1, :], (0, 0, 0, 1))
    return right.abs() + down.abs()
