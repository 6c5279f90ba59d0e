"""Colour evidence says what colour alone can say, and nothing where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hdmatt_core.nn.evidence import colour_evidence, colour_lines, known_cells
from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.presets import EVIDENCE_CELL, EVIDENCE_HALO


def picture(trimap_left: int, trimap_right: int) -> tuple[torch.Tensor, np.ndarray]:
    """Red foreground fading into blue background from left to right; known strips at both ends."""
    alpha = np.linspace(1.25, -0.25, 64).clip(0, 1)[None, :, None].repeat(64, axis=0)
    rgb = alpha * np.array([0.9, 0.1, 0.2]) + (1 - alpha) * np.array([0.1, 0.2, 0.8])
    trimap = np.full((64, 64), 128, np.uint8)
    trimap[:, :8], trimap[:, -8:] = trimap_left, trimap_right
    return make_input(rgb[None].astype(np.float32), trimap[None]), alpha[..., 0]


def test_a_picture_of_two_colours_is_solved() -> None:
    x, alpha = picture(255, 0)
    told = colour_evidence(x, colour_lines(known_cells(x)))
    assert told.shape == (1, 3, 64, 64)
    for estimate in told[0, :2]:
        assert np.abs(estimate.numpy() - alpha).max() < 0.03
        assert estimate[:, :8].eq(1).all()
        assert estimate[:, -8:].eq(0).all()
    assert told[:, 2, :, 8:-8].min() > 0.9
    assert told[:, 2, :, :8].eq(0).all()


@pytest.mark.parametrize("ends", [(128, 128), (255, 128), (0, 0)])
def test_without_both_colours_the_line_says_nothing(ends: tuple[int, int]) -> None:
    x = picture(*ends)[0]
    told = colour_evidence(x, colour_lines(known_cells(x)))
    assert told[:, 2].eq(0).all()
    assert told[0, 0, :, 8:-8].eq(0.5).all()
    assert torch.isfinite(told).all()


def test_equal_colours_are_doubted_and_finite() -> None:
    x = picture(255, 0)[0]
    x[:, :3] = 0.3
    told = colour_evidence(x, colour_lines(known_cells(x)))
    assert torch.isfinite(told).all()
    assert told[:, 2].max() < 0.01


def test_a_patch_with_a_halo_sees_what_the_whole_picture_sees() -> None:
    random = np.random.default_rng(0)
    rgb = random.integers(0, 255, (1, 640, 720, 3), dtype=np.uint8)
    trimap = random.choice(np.array([0, 128, 255], np.uint8), (1, 20, 18), p=(0.05, 0.9, 0.05))
    cells = known_cells(make_input(rgb, trimap.repeat(32, axis=1).repeat(40, axis=2)))
    whole = colour_lines(cells, 33)
    spare = EVIDENCE_HALO // EVIDENCE_CELL
    part = colour_lines(cells[:, :, 5 : 5 + 8 + 2 * spare, 3 : 3 + 6 + 2 * spare], spare)
    seen = whole[:, :, 5 - 1 : 5 + 9, 3 - 1 : 3 + 7]
    assert torch.allclose(part[:, :5], seen[:, :5], atol=1e-5)
    # The Laplacian's steps reach further than the halo, but what comes from there has all but faded.
    assert torch.allclose(part[:, 5:], seen[:, 5:], atol=2e-2)
