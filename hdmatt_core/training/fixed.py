"""Composition as it was when validation began, kept to the bit: the figures of all runs are of the same pictures."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from hdmatt_core.training.cutout import Cutout
from hdmatt_core.training.material import Library
from hdmatt_core.training.picture import Picture
from hdmatt_core.training.warp import Floats, noise_field, recolour, to_float

T = TypeVar("T")
Vector = NDArray[np.float64]
_OVERSAMPLING = 3
_BILINEAR = Image.Resampling.BILINEAR
_SHARES = {"photo": 0.5, "cutout": 0.35, "strands": 0.15}
Pools = Mapping[str, Sequence[Cutout]]
_OPAQUE, _CLEAR = np.float32(1 - 2.5 / 255), np.float32(2.5 / 255)


def fixed_picture(library: Library, strands: list[Cutout], side: int, rng: Generator) -> Picture:
    """Compose one picture of `side` px (even): half photographs, a third cut-outs, the rest strands."""
    background = _backdrop(_one(library.backgrounds, rng), side, rng)
    pools: Pools = {"photo": library.photos, "cutout": library.cutouts, "strands": strands}
    colour, alpha = _foreground(pools, side, rng)
    if rng.random() < 0.25:
        colour, alpha = _merged((colour, alpha), _foreground(pools, side, rng))
    if rng.random() < 0.3:
        shift = background.mean(axis=(0, 1)) - colour.mean(axis=(0, 1))
        colour = np.clip(colour + np.float32(rng.uniform(0, 0.7)) * shift, 0, 1)
    mixed = alpha[..., None] * (colour - background) + background
    contrast = np.abs(colour - background).mean(axis=2)
    return Picture(_camera(mixed, rng), alpha, _trimap(alpha, rng), contrast)


def _one(items: Sequence[T], rng: Generator) -> T:
    return items[int(rng.integers(len(items)))]


def _foreground(pools: Pools, side: int, rng: Generator) -> tuple[Floats, Floats]:
    share = np.array([_SHARES[kind] if pool else 0.0 for kind, pool in pools.items()])
    kind = rng.choice(list(pools), p=share / share.sum())
    return _place(_one(pools[str(kind)], rng), side, rng)


def _place(cutout: Cutout, side: int, rng: Generator) -> tuple[Floats, Floats]:
    scale = math.exp(rng.uniform(math.log(0.45), math.log(1.5)))
    scale = min(max(scale, 0.5 * side / max(cutout.size)), 2.5)
    level = 1 if scale < 0.7 else 0
    colour, alpha = cutout.levels[level]
    anchor = cutout.anchors[rng.integers(len(cutout.anchors))] / 2**level
    matrix = _affine(rng, scale * 2**level, anchor, side)
    warped = [part.transform((side, side), Image.Transform.AFFINE, matrix, _BILINEAR) for part in (colour, alpha)]
    return to_float(recolour(warped[0], rng)), to_float(warped[1])


def _affine(rng: Generator, scale: float, anchor: Vector, side: int) -> tuple[float, ...]:
    turn, flip = math.radians(rng.uniform(-30, 30)), rng.choice((-1.0, 1.0))
    cos, sin = math.cos(turn) / scale, math.sin(turn) / scale
    at_x, at_y = rng.uniform(0.3, 0.7, 2) * side
    a, b, d, e = flip * cos, -flip * sin, sin, cos
    return (a, b, anchor[0] - a * at_x - b * at_y, d, e, anchor[1] - d * at_x - e * at_y)


def _backdrop(image: Image.Image, side: int, rng: Generator) -> Floats:
    width, height = image.size
    window = min(side / math.exp(rng.uniform(math.log(0.5), math.log(1.6))), width, height)
    left, top = rng.uniform(0, width - window), rng.uniform(0, height - window)
    part = image.resize((side, side), _BILINEAR, box=(left, top, left + window, top + window))
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.35:
        part = part.filter(ImageFilter.BoxBlur(rng.uniform(0.5, 8)))
    return to_float(recolour(part, rng))


def _merged(one: tuple[Floats, Floats], two: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    alpha = 1 - (1 - one[1]) * (1 - two[1])
    weight = one[1] / np.maximum(alpha, np.float32(1e-6))
    return two[0] + weight[..., None] * (one[0] - two[0]), alpha


def _camera(mixed: Floats, rng: Generator) -> NDArray[np.uint8]:
    if rng.random() < 0.4:
        grain = rng.standard_normal(mixed.shape, dtype=np.float32)
        mixed = mixed + np.float32(rng.uniform(0, 0.025)) * grain
    rgb = (np.clip(mixed, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() < 0.2:
        held = io.BytesIO()
        Image.fromarray(rgb).save(held, "JPEG", quality=int(rng.integers(60, 97)))
        rgb = np.asarray(Image.open(held))
    return rgb


def _trimap(alpha: Floats, rng: Generator) -> NDArray[np.uint8]:
    """A band of 1 to 29 px, of another width on each side, drifting over the picture."""
    soft = (alpha > _CLEAR) & (alpha < _OPAQUE)
    solid, side = alpha >= 0.5, alpha.shape[0]
    edges = soft.copy()
    edges[:, 1:] |= solid[:, 1:] != solid[:, :-1]
    edges[1:] |= solid[1:] != solid[:-1]
    halves = edges.reshape(side // 2, 2, side // 2, 2).any(axis=(1, 3))
    distance = 2 * ndimage.distance_transform_edt(~halves) if halves.any() else np.full(halves.shape, np.inf)
    drift = 0.5 + noise_field(side // 2, 3, rng)
    reach = [np.maximum(rng.uniform(1, 29) * drift, 1).astype(np.float32) for _ in range(2)]
    unknown = distance <= np.where(alpha[::2, ::2] < 0.5, *reach)
    unknown = unknown.repeat(2, axis=0).repeat(2, axis=1) | soft
    return np.where(unknown, 128, np.where(solid, 255, 0)).astype(np.uint8)


def render_strands(rng: Generator, side: int = 448) -> Cutout:
    """Render strands of one width and one colour around an ellipse."""
    big = side * _OVERSAMPLING
    base = rng.integers(10, 246, 3)
    alpha = Image.new("L", (big, big), 0)
    colour = Image.new("RGB", (big, big), tuple(int(v) for v in base))
    pens = ImageDraw.Draw(alpha), ImageDraw.Draw(colour)
    centre, radius = rng.uniform(0.3, 0.7, 2) * big, rng.uniform(0.1, 0.3, 2) * big
    pens[0].ellipse([*(centre - radius), *(centre + radius)], fill=255)
    thickness, length = rng.uniform(0.4, 3.5), rng.uniform(0.1, 0.4) * big
    for _ in range(int(rng.integers(60, 500))):
        points = _strand(rng, centre, radius, length)
        tint = np.clip(base + rng.normal(0, 30) + rng.normal(0, 8, 3), 0, 255)
        width = max(1, round(thickness * rng.uniform(0.5, 1.3) * _OVERSAMPLING))
        pens[1].line(points, fill=tuple(int(v) for v in tint), width=width + 2 * _OVERSAMPLING)
        pens[0].line(points, fill=255, width=width)
    return Cutout(colour.reduce(_OVERSAMPLING), alpha.reduce(_OVERSAMPLING))


def _strand(rng: Generator, centre: Vector, radius: Vector, length: float) -> list[tuple[float, float]]:
    angle = rng.uniform(0, 2 * np.pi)
    start = centre + 0.9 * radius * (np.cos(angle), np.sin(angle))
    step = length * rng.uniform(0.4, 1.2) / 16
    headings = angle + rng.normal(0, 0.3) + np.arange(16) * rng.normal(0, 0.08)
    offsets = np.cumsum(step * np.stack([np.cos(headings), np.sin(headings)], axis=1), axis=0)
    return [(float(x), float(y)) for x, y in np.vstack([start, start + offsets])]
