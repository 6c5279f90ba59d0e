"""Foregrounds on a canvas: a photograph, pieces of cut-outs, or a procedural one; never enlarged beyond 1.5 times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from hdmatt_core.evaluation.testset.material import Layer, Material, open_photo, open_pieces
from hdmatt_core.evaluation.testset.recipe import Entry
from hdmatt_core.training.procedural import render

LARGEST = 1.5
_ASPECTS = ((4, 3), (3, 2), (1, 1), (3, 4))
_USES = 3  # of one photograph: more would weigh it too much
_COVERED = 0.3
_MOST = 24
_LANCZOS, _BICUBIC = Image.Resampling.LANCZOS, Image.Resampling.BICUBIC

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Foreground:
    """Colour (H, W, 3) and alpha (H, W), 0..1, and what they were made from."""

    colour: Floats
    alpha: Floats
    sources: tuple[str, ...]


def draw_foreground(entry: Entry, material: Material, rng: Generator) -> Foreground:
    """The foreground of an entry: real material where it is asked for and the family has some, else procedural."""
    photos = material.photos.get(entry.family, ())
    cutouts = material.cutouts.get(entry.family, ())
    if entry.real is not None and entry.real < _USES * len(photos):
        # Shifted by one after each round, so that a photograph meets narrow bands and wide ones.
        return _photo(photos[(entry.real + entry.real // len(photos)) % len(photos)], entry.pixels, rng)
    if entry.real is not None and cutouts:
        return _grove(cutouts, entry.pixels, rng)
    side = 2 * round(math.sqrt(entry.pixels) / 2)
    return rendered(entry.rendered, (side, side), rng)


def merged(top: Foreground, below: Foreground) -> Foreground:
    """One foreground over another of the same size: ``alpha = 1 - (1 - a1)(1 - a2)``."""
    alpha = 1 - (1 - top.alpha) * (1 - below.alpha)
    weight = top.alpha / np.maximum(alpha, np.float32(1e-6))
    colour = below.colour + weight[..., None] * (top.colour - below.colour)
    return Foreground(colour, alpha, (*top.sources, *below.sources))


def _photo(stem: Path, pixels: int, rng: Generator) -> Foreground:
    """A photograph, whose borders remain those of the canvas: an animal that was cut off there stays cut off there."""
    layer = open_photo(stem)
    width, height = layer[0].size
    scale = min(math.sqrt(pixels / (width * height)), LARGEST)
    layer = _resized(layer, scale)
    if rng.random() < 0.5:
        layer = _mirrored(layer)
    return Foreground(as_floats(layer[0]), as_floats(layer[1]), (stem.name,))


def rendered(kind: str, shape: tuple[int, ...], rng: Generator) -> Foreground:
    """A procedural foreground on a canvas (H, W); on one that is not square, the middle of a larger one."""
    side = 2 * -(-max(shape) // 2)
    top, left = ((side - length) // 2 for length in shape)
    box = left, top, left + shape[1], top + shape[0]
    colour, alpha = (part.crop(box) for part in render(kind, side, rng).levels[0])
    return Foreground(as_floats(colour), as_floats(alpha), (f"procedural {kind}",))


def small_solid(shape: tuple[int, ...], rng: Generator) -> Foreground:
    """A solid thing somewhere on a canvas (H, W), at most 0.4 times its side: it leaves the rest to what is there."""
    side = 2 * round(0.2 * min(shape))
    part = rendered("solid", (side, side), rng)
    at = [int(rng.integers(0, length - side + 1)) for length in shape]
    box = tuple(slice(start, start + side) for start in at)
    whole = Foreground(np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32), part.sources)
    whole.colour[box], whole.alpha[box] = part.colour, part.alpha
    return whole


def _grove(files: tuple[Path, ...], pixels: int, rng: Generator) -> Foreground:
    """Pieces of one to three cut-outs, each perhaps many times, until they cover part of the canvas."""
    aspect = _ASPECTS[rng.integers(len(_ASPECTS))]
    unit = math.sqrt(pixels / (aspect[0] * aspect[1]))
    width, height = round(aspect[0] * unit), round(aspect[1] * unit)
    chosen = [files[i] for i in rng.choice(len(files), int(rng.integers(1, 4)), replace=len(files) < 3)]
    pieces = [piece for file in chosen for piece in open_pieces(file)]
    canvas = Foreground(np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32), ())
    for _ in range(_MOST if pieces else 0):
        canvas = merged(_planted(pieces[rng.integers(len(pieces))], (height, width), rng), canvas)
        if canvas.alpha.mean() > _COVERED:
            break
    return Foreground(canvas.colour, canvas.alpha, tuple(file.stem for file in chosen))


def _planted(piece: Layer, shape: tuple[int, int], rng: Generator) -> Foreground:
    """A piece somewhere on the canvas, turned a little, perhaps mirrored, partly beyond the border at most."""
    height, width = shape
    fits = 0.9 * min(height / piece[0].height, width / piece[0].width)
    piece = _resized(piece, min(fits, LARGEST) * rng.uniform(0.6, 1))
    if rng.random() < 0.5:
        piece = _mirrored(piece)
    # Colour is turned as if it went on beyond its border: under alpha 0 it must not be black.
    turn = float(rng.uniform(-15, 15))
    mean = tuple(int(value) for value in np.asarray(piece[0]).mean(axis=(0, 1)))
    colour, alpha = (
        piece[0].rotate(turn, _BICUBIC, expand=True, fillcolor=mean),
        piece[1].rotate(turn, _BICUBIC, expand=True),
    )
    at = (
        int(rng.uniform(-0.15, 0.95) * (width - 0.5 * colour.width)),
        int(rng.uniform(-0.15, 1) * (height - 0.6 * colour.height)),
    )
    laid = Image.new("RGB", (width, height), mean), Image.new("L", (width, height))
    for canvas, part in zip(laid, (colour, alpha), strict=True):
        canvas.paste(part, at)
    return Foreground(as_floats(laid[0]), as_floats(laid[1]), ())


def _resized(layer: Layer, scale: float) -> Layer:
    size = max(1, round(layer[0].width * scale)), max(1, round(layer[0].height * scale))
    return layer[0].resize(size, _LANCZOS), layer[1].resize(size, _LANCZOS)


def _mirrored(layer: Layer) -> Layer:
    flip = Image.Transpose.FLIP_LEFT_RIGHT
    return layer[0].transpose(flip), layer[1].transpose(flip)


def as_floats(image: Image.Image) -> Floats:
    """An 8-bit image as float32, 0..1."""
    return np.asarray(image, np.float32) / np.float32(255)
