"""Photographs, cut-outs and backgrounds of a data index at full size, by family."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.testset.recipe import family_of
from hdmatt_core.training.cutout import spread_colour

_LEAST_SIDE = 96  # px: a smaller piece of a sheet has no detail left
_FULL = 0.85  # a piece that fills its rectangle is a texture, and no foreground
_MOST_PIECES = 12

Layer = tuple[Image.Image, Image.Image]
"""Straight colour (RGB) and alpha (L) of one size."""


@dataclass(frozen=True)
class Material:
    """Files of one split: photographs and cut-outs by family, and backgrounds, in the index's order."""

    photos: dict[str, tuple[Path, ...]]
    cutouts: dict[str, tuple[Path, ...]]
    backgrounds: tuple[Path, ...]


def find_material(index: Path, split: str) -> Material:
    """What ``index`` (the format of training's ``data``) lists in ``split``; nothing is decoded.

    UserError where it cannot be read, or has no background in that split.
    """
    try:
        items = [item for item in json.loads(index.read_text(encoding="utf-8")) if item["split"] == split]
        kinds = {
            kind: [(family_of(item), index.parent / item["file"]) for item in items if item["kind"] == kind]
            for kind in ("photo", "rgba", "background")
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{index} cannot be read as a data index ({error}); give one as training's 'data'") from error
    if not kinds["background"]:
        raise UserError(f"{index} has no background in split '{split}'; add some, or give --split")
    return Material(
        _by_family(kinds["photo"]), _by_family(kinds["rgba"]), tuple(file for _, file in kinds["background"])
    )


def _by_family(items: list[tuple[str | None, Path]]) -> dict[str, tuple[Path, ...]]:
    families = {family for family, _ in items if family}
    return {family: tuple(file for own, file in items if own == family) for family in sorted(families)}


def open_photo(stem: Path) -> Layer:
    """A photograph's foreground colours and its matte, which is quite 0 and 255 where it is nearly."""
    alpha = Image.open(f"{stem}-alpha.png").convert("L")
    clean = alpha.point([min(255, max(0, round((value - 6) * 255 / 243))) for value in range(256)])
    return Image.open(f"{stem}-fg.jpg").convert("RGB"), clean


def open_pieces(file: Path) -> list[Layer]:
    """The separate pieces of a cut-out (a sheet may hold many), largest first, without what is too small or a texture.

    Nothing where none is of use.
    """
    pixels = np.asarray(Image.open(file).convert("RGBA"))
    alpha = pixels[..., 3]
    labels, _ = ndimage.label(ndimage.binary_dilation(alpha > 16, iterations=1))
    boxes = [box for box in ndimage.find_objects(labels) if box and _usable(alpha[box])]
    boxes.sort(key=lambda box: -alpha[box].size)
    return [_layer(pixels[box]) for box in boxes[:_MOST_PIECES]]


def _usable(alpha: NDArray[np.uint8]) -> bool:
    seen = alpha > 16
    textured = seen.all(axis=0).any() or float(seen.mean()) > _FULL  # a strip of bark from top to bottom
    return min(alpha.shape) >= _LEAST_SIDE and not textured


def _layer(pixels: NDArray[np.uint8]) -> Layer:
    alpha = np.ascontiguousarray(pixels[..., 3])
    return Image.fromarray(spread_colour(pixels[..., :3], alpha)), Image.fromarray(alpha)
