"""The pictures of a comparison, small enough for one page: reduced, and in detail where methods err most."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from hdmatt_core.evaluation.files import open_file, read
from hdmatt_core.evaluation.sample import Sample
from hdmatt_core.kinds import Role
from hdmatt_core.metrics import eight_bit
from hdmatt_core.metrics.planes import pinned
from hdmatt_core.pages.html import uri
from hdmatt_core.registry import Registry

SIDE = 200
"""Longest side of a reduced picture, and the side of a detail, in px."""
LARGEST = 64_000_000
"""Pixels beyond which a picture is not shown: it would have to be decoded whole."""
_GAIN = 2  # an error of a half is drawn in full colour: most are small
_TOO_MUCH, _TOO_LITTLE = np.array([0, 0.85, 0.85]), np.array([0.85, 0.55, 0])  # taken off white: red, blue

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Strip:
    """Pictures with captions, as data URIs, of the whole and of a detail; empty where there is nothing to show."""

    whole: Mapping[str, str]
    detail: Mapping[str, str]


def strip(sample: Sample, mattes: Mapping[str, Path], registry: Registry) -> Strip:
    """Image, trimap, truth, and each method's matte and error map (red: too much alpha; blue: too little)."""
    sources = {"image": open_file(sample.image, "image", registry)}
    height, width = sources["image"].infer({})["pixels"].shape[:2]
    if height * width > LARGEST:
        return Strip({}, {})
    trimap = _read(sample.trimap, "trimap", registry)
    shown = {"image": _eight_bit_rgb(read(sources["image"])), "trimap": trimap}
    truth = _read(sample.truth, "matte", registry) if sample.truth else None
    if truth is not None:
        shown["truth"] = truth
    wrong = np.zeros(trimap.shape)
    for label, path in mattes.items():
        shown[label] = matte = pinned(_read(path, "matte", registry), trimap)
        if truth is not None:
            error = np.where(trimap == 128, (matte.astype(np.float32) - truth) / 255, 0)
            shown[f"{label}, error"] = _coloured(error)
            wrong += np.abs(error)
    corner = _worst(wrong if truth is not None else (trimap == 128).astype(float))
    box = tuple(slice(start, start + SIDE) for start in corner)
    return Strip(
        {caption: _reduced(pixels) for caption, pixels in shown.items()},
        {caption: uri(Image.fromarray(np.ascontiguousarray(pixels[box]))) for caption, pixels in shown.items()},
    )


def _read(path: Path, role: Role, registry: Registry) -> Bytes:
    return eight_bit(read(open_file(path, role, registry)))


def _eight_bit_rgb(pixels: NDArray[np.generic]) -> Bytes:
    return np.stack([eight_bit(pixels[..., channel]) for channel in range(3)], axis=2)


def _coloured(error: NDArray[np.floating]) -> Bytes:
    """Errors -1..1 as colours on white."""
    share = np.clip(np.abs(error) * _GAIN, 0, 1)[..., None]
    ink = np.where(error[..., None] > 0, _TOO_MUCH, _TOO_LITTLE)
    coloured: Bytes = (255 * (1 - share * ink)).astype(np.uint8)
    return coloured


def _worst(wrong: NDArray[np.float64]) -> tuple[int, int]:
    """Upper left corner of the detail: the window with the most error."""
    summed = ndimage.uniform_filter(wrong, SIDE, mode="constant")
    y, x = np.unravel_index(int(np.argmax(summed)), summed.shape)
    corner = [max(0, min(int(at) - SIDE // 2, length - SIDE)) for at, length in zip((y, x), wrong.shape, strict=True)]
    return corner[0], corner[1]


def _reduced(pixels: Bytes) -> str:
    image = Image.fromarray(pixels)
    factor = max(1, math.ceil(max(image.size) / SIDE))
    return uri(image.reduce(factor))
