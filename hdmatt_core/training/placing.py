"""Foregrounds and backgrounds on a square canvas: turned, scaled and recoloured."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional

from hdmatt_core.training.cutout import Cutout
from hdmatt_core.training.warp import Floats, recolour

_LARGEST = 1.3
_SMALLEST = 0.12
_COARSE = 4


class Layer(NamedTuple):
    """Straight colour (3, S, S), defined everywhere, and alpha (S, S) on a canvas, 0..1."""

    colour: Floats
    alpha: Floats


def fitting_scale(cutout: Cutout, side: int, rng: Generator) -> float:
    """Draw a scale: half to two and a half times the canvas, but never enlarged until its matte is nothing but blur."""
    wanted = side / max(cutout.size) * math.exp(rng.uniform(math.log(0.5), math.log(2.5)))
    return min(max(wanted, _SMALLEST), _LARGEST * rng.uniform(0.6, 1))


def place(cutout: Cutout, side: int, scale: float, rng: Generator, centre: tuple[float, float] = (0.3, 0.7)) -> Layer:
    """Turn, scale, shear, flip and shift a cut-out onto a canvas; a soft pixel of it comes to lie within `centre`.

    What is resampled is light: colour times alpha.
    """
    level = _level(cutout, scale)
    matrix = _affine(scale * 2**level, rng)
    anchor = (cutout.anchors[rng.integers(len(cutout.anchors))] + 0.5) / 2**level
    start = anchor - matrix @ (rng.uniform(*centre, 2) * side)
    return _laid(cutout, level, matrix, start, side, rng)


def cover(cutout: Cutout, side: int, rng: Generator) -> Layer | None:
    """Lay a cut-out upright over the whole canvas, perhaps mirrored; None where it is too small to cover it.

    A piece of the canvas's own size keeps its pixels.
    """
    scale = side / min(cutout.size)
    if scale > _LARGEST:
        return None
    level = _level(cutout, scale)
    size = cutout.extent(level)
    matrix = np.diag(np.array((rng.choice((-1.0, 1.0)), 1.0)) * min(size) / side)
    start = np.array([rng.uniform(0, length - min(size)) for length in size])
    if matrix[0, 0] < 0:
        start[0] += min(size)
    return _laid(cutout, level, matrix, start, side, rng, beyond="border")


def _level(cutout: Cutout, scale: float) -> int:
    """Which of a cut-out's smaller sizes is sampled: none that the scale enlarges by much."""
    return min(max(0, math.floor(math.log2(1.4 / (2 * scale)) + 1)), cutout.depth)


def _laid(
    cutout: Cutout,
    level: int,
    matrix: NDArray[np.float64],
    start: NDArray[np.float64],
    side: int,
    rng: Generator,
    beyond: str = "zeros",
) -> Layer:
    """Sample a level of a cut-out, recoloured, on a canvas whose corner lies at `start`; what is `beyond` it is empty,
    or its border goes on."""
    box = _box(matrix, start, side, cutout.extent(level))
    if box is None:
        return Layer(np.zeros((3, side, side), np.float32), np.zeros((side, side), np.float32))
    colour, alpha = cutout.window(level, box)
    colour = recolour(colour, rng)
    mode = "bicubic" if rng.random() < 0.15 else "bilinear"
    spans = _footprint(matrix, start, side, box)
    grid = _grid(matrix, start - box[:2], spans, colour.size)
    return _on_canvas(_sampled(np.asarray(colour), alpha, grid, mode, beyond), spans, side)


def _affine(scale: float, rng: Generator) -> NDArray[np.float64]:
    """What a step on the canvas, x and y, is on the source: 2 x 2."""
    turn, flip = math.radians(rng.uniform(-30, 30)), rng.choice((-1.0, 1.0))
    cos, sin, shear = math.cos(turn) / scale, math.sin(turn) / scale, rng.normal(0, 0.08)
    turned = np.array([[cos, -sin], [sin, cos]])
    return np.asarray(np.array([[flip, shear], [0, 1]]) @ turned)


def _box(
    matrix: NDArray[np.float64], start: NDArray[np.float64], side: int, size: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """The part of the source that the canvas sees, with a rim; None where it sees nothing."""
    corners = start + np.array([[0, 0], [side, 0], [0, side], [side, side]]) @ matrix.T
    low = np.clip(np.floor(corners.min(axis=0)) - 3, 0, size).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 3, 0, size).astype(int)
    return None if (high - low < 2).any() else (low[0], low[1], high[0], high[1])


def _footprint(
    matrix: NDArray[np.float64], start: NDArray[np.float64], side: int, box: tuple[int, int, int, int]
) -> list[tuple[int, int]]:
    """From where to where a canvas, along x and y, sees a box of the source: at least one pixel."""
    left, top, right, bottom = box
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]]) - start
    seen = corners @ np.linalg.inv(matrix).T
    low = np.clip(np.floor(seen.min(axis=0)), 0, side - 1).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0)), low + 1, side).astype(int)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _grid(
    matrix: NDArray[np.float64], start: NDArray[np.float64], spans: list[tuple[int, int]], size: tuple[int, int]
) -> Tensor:
    """Where each pixel of a part of the canvas looks, (1, h, w, 2), in the source's coordinates of -1..1."""
    columns, rows = (torch.arange(*span, dtype=torch.float32) + 0.5 for span in spans)
    grid = torch.empty(1, len(rows), len(columns), 2)
    for axis in (0, 1):
        across, down = (float(2 * value / size[axis]) for value in matrix[axis])
        grid[0, :, :, axis] = (rows * down)[:, None] + (columns * across + float(2 * start[axis] / size[axis] - 1))
    return grid


def _on_canvas(layer: Layer, spans: list[tuple[int, int]], side: int) -> Layer:
    """A layer of a part of the canvas on all of it: clear outside, where the colours of its border go on."""
    if all(span == (0, side) for span in spans):
        return layer
    (left, right), (top, bottom) = spans
    around = ((top, side - bottom), (left, side - right))
    return Layer(np.pad(layer.colour, ((0, 0), *around), mode="edge"), np.pad(layer.alpha, around))


def _sampled(colour: NDArray[np.uint8], alpha: NDArray[np.uint8], grid: Tensor, mode: str, beyond: str) -> Layer:
    planes = torch.empty(1, 4, *alpha.shape)
    planes[0, 3] = torch.from_numpy(np.array(alpha)).float() / 255
    planes[0, :3] = torch.from_numpy(np.array(colour)).permute(2, 0, 1).float() / 255
    # Behind what is too faint to tell its colour, a coarse picture of the colours around stands in.
    around = functional.avg_pool2d(planes[:, :3], min(_COARSE, *alpha.shape), ceil_mode=True)
    planes[0, :3] *= planes[0, 3]
    seen = functional.grid_sample(planes, grid, mode=mode, padding_mode=beyond, align_corners=False)[0].clamp(0, 1)
    fallback = functional.grid_sample(around, grid, padding_mode="border", align_corners=False)[0]
    solid = seen[3] > 4 / 255
    straight = torch.where(solid, seen[:3] / seen[3].clamp_min(1 / 255), fallback).clamp_(0, 1)
    return Layer(straight.numpy(), seen[3].numpy())


def merged(top: Layer, below: Layer) -> Layer:
    """Lay one foreground over another: alpha = 1 - (1 - a1)(1 - a2)."""
    alpha = 1 - (1 - top.alpha) * (1 - below.alpha)
    weight = top.alpha / np.maximum(alpha, np.float32(1e-4))
    return Layer(below.colour + weight * (top.colour - below.colour), alpha)


def backdrop(image: Image.Image, side: int, rng: Generator) -> Floats:
    """Cut, scale, flip, recolour and sometimes blur a background: (3, S, S), 0..1."""
    width, height = image.size
    window = min(side / math.exp(rng.uniform(math.log(0.4), math.log(1.6))), width, height)
    left, top = rng.uniform(0, width - window), rng.uniform(0, height - window)
    part = image.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, left + window, top + window))
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.3:
        part = part.filter(ImageFilter.BoxBlur(rng.uniform(0.5, 8)))
    return planes(recolour(part, rng))


def planes(image: Image.Image) -> Floats:
    """Turn an 8-bit image into float32 (3, S, S), 0..1."""
    return np.asarray(np.asarray(image).transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
