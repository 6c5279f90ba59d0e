"""Colour evidence says what colour alone can say, and nothing where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hdmatt_core.nn.evidence import colour_evidence, known_cells, near_lines, whole_evidence
from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.palette import counted, likely, looked_up
from hdmatt_core.nn.presets import EVIDENCE_CELL, EVIDENCE_HALO, EVIDENCE_MARGIN
from hdmatt_core.nn.solved import coarse_lines, refined

NOTHING = torch.zeros(1, 8, 1, 1)
"""Far colours of a picture in which nothing is known."""


def picture(trimap_left: int, trimap_right: int) -> tuple[torch.Tensor, np.ndarray]:
    """Red foreground fading into blue background from left to right; known strips at both ends."""
    alpha = np.linspace(1.25, -0.25, 64).clip(0, 1)[None, :, None].repeat(64, axis=0)
    rgb = alpha * np.array([0.9, 0.1, 0.2]) + (1 - alpha) * np.array([0.1, 0.2, 0.8])
    trimap = np.full((64, 64), 128, np.uint8)
    trimap[:, :8], trimap[:, -8:] = trimap_left, trimap_right
    return make_input(rgb[None].astype(np.float32), trimap[None]), alpha[..., 0]


def test_a_picture_of_two_colours_is_solved() -> None:
    x, alpha = picture(255, 0)
    told = colour_evidence(x, whole_evidence(x))
    assert told.shape == (1, 6, 64, 64)
    for estimate in told[0, [0, 1, 3]]:
        assert np.abs(estimate.numpy() - alpha).max() < 0.03
        assert estimate[:, :8].eq(1).all()
        assert estimate[:, -8:].eq(0).all()
    assert told[:, 4, :, 8:-8].min() > 0.9
    assert told[:, 4, :, :8].eq(0).all()


@pytest.mark.parametrize("ends", [(128, 128), (255, 128), (0, 0)])
def test_without_both_colours_the_line_says_nothing(ends: tuple[int, int]) -> None:
    x = picture(*ends)[0]
    told = colour_evidence(x, whole_evidence(x))
    assert told[:, 4].eq(0).all()
    assert told[0, 0, :, 8:-8].eq(0.5).all()
    assert torch.isfinite(told).all()


def test_equal_colours_are_doubted_and_finite() -> None:
    x = picture(255, 0)[0]
    x[:, :3] = 0.3
    told = colour_evidence(x, whole_evidence(x))
    assert torch.isfinite(told).all()
    assert told[:, 4].max() < 0.01


def test_known_colours_of_the_other_end_of_a_picture_are_heard() -> None:
    rgb = np.full((1, 96, 1600, 3), 40, np.uint8)
    rgb[:, :, ::7] = 200
    trimap = np.full((1, 96, 1600), 128, np.uint8)
    trimap[:, :, 1498::7], trimap[:, :, :64] = 255, 0
    x = make_input(rgb, np.where(rgb[..., 0] == 40, np.minimum(trimap, 128), trimap))
    told = colour_evidence(x, whole_evidence(x))[0, :, :, 64:1200]
    strands = x[0, 0, :, 64:1200] > 0
    for estimate in told[[0, 2]]:
        assert estimate[strands].min() > 0.8
        assert estimate[~strands].max() < 0.2
    assert told[4].min() > 0.1


def test_cells_with_a_halo_see_what_the_whole_picture_sees() -> None:
    random = np.random.default_rng(0)
    rgb = random.integers(0, 255, (1, 640, 720, 3), dtype=np.uint8)
    trimap = random.choice(np.array([0, 128, 255], np.uint8), (1, 20, 18), p=(0.05, 0.9, 0.05))
    cells = F.pad(known_cells(make_input(rgb, trimap.repeat(32, axis=1).repeat(40, axis=2))), (33, 33, 33, 33))
    halo = EVIDENCE_HALO // EVIDENCE_CELL
    whole = near_lines(cells, NOTHING.expand(1, 8, *cells.shape[2:]))
    part = cells[:, :, 38 - halo : 46 + halo, 36 - halo : 42 + halo]
    part = near_lines(part, NOTHING.expand(1, 8, *part.shape[2:]))
    inner = slice(halo - 1, 1 - halo)
    assert torch.allclose(part[:, :, inner, inner], whole[:, :, 37:47, 35:43], atol=1e-5)


def test_a_patch_with_its_margin_is_solved_as_in_the_whole_picture() -> None:
    x, _ = picture(255, 0)
    x = x.repeat(1, 1, 9, 9)
    x[:, :3] += 0.3 * torch.from_numpy(np.random.default_rng(1).normal(size=x[:, :3].shape).astype(np.float32))
    x[:, 3:] = x[:, 3:].roll((5, 11), dims=(2, 3))
    cells = known_cells(x)
    told = looked_up(likely(counted(x)), cells[:, -3:])
    near = near_lines(cells, NOTHING.expand(1, 8, *cells.shape[2:]))
    lines = F.pad(coarse_lines(cells, near, told), (1, 1, 1, 1), mode="replicate")
    whole = refined(x, lines)
    top, left, side, margin = 208, 216, 64, EVIDENCE_MARGIN
    wide = x[:, :, top - margin : top + side + margin, left - margin : left + side + margin]
    first, beside = (top - margin) // 8, (left - margin) // 8
    count = (side + 2 * margin) // 8 + 2
    part = refined(wide, lines[:, :, first : first + count, beside : beside + count], margin)
    assert part.shape == (1, 1, side, side)
    assert torch.allclose(part, whole[:, :, top : top + side, left : left + side], atol=1e-4)
    assert 0 < (x[:, 4:5, top : top + side, left : left + side]).mean() < 1
