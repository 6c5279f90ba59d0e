"""Training material in memory: decoded once, at no more pixels than composition uses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.training.cutout import Cutout, spread_colour


@dataclass(frozen=True)
class Library:
    """Foregrounds and backgrounds of one split."""

    photos: list[Cutout]
    cutouts: list[Cutout]
    backgrounds: list[Image.Image]


def load_library(index: Path, split: str, longest: int) -> Library:
    """Decode every item of `split` in an index, shrunk to at most `longest` px a side.

    The index is a JSON list of {file, kind: rgba | photo | background, split}, files relative to its folder.
    Raises UserError where the index or a file is missing, or nothing of a kind is there.
    """
    try:
        items = [item for item in json.loads(index.read_text(encoding="utf-8")) if item["split"] == split]
        files = {kind: [index.parent / item["file"] for item in items if item["kind"] == kind] for kind in _KINDS}
        library = Library(
            photos=[_photo(file, longest) for file in files["photo"]],
            cutouts=[_rgba(file, longest) for file in files["rgba"]],
            backgrounds=[_shrunk(Image.open(file).convert("RGB"), longest) for file in files["background"]],
        )
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"training data {index} cannot be read ({error}); check 'data' in the configuration") from error
    if not library.backgrounds or not library.cutouts + library.photos:
        raise UserError(f"{index} has no background or no foreground in split '{split}'; add some")
    return library


_KINDS = ("photo", "rgba", "background")


def _shrunk(image: Image.Image, longest: int) -> Image.Image:
    image.thumbnail((longest, longest), Image.Resampling.BOX)
    return image


def _photo(stem: Path, longest: int) -> Cutout:
    colour = Image.open(f"{stem}-fg.jpg").convert("RGB")
    alpha = Image.open(f"{stem}-alpha.png").convert("L")
    # A model's matte is rarely quite 0 or 1 where it should be; trimaps need it to be.
    clean = alpha.point([min(255, max(0, round((v - 6) * 255 / 243))) for v in range(256)])
    return Cutout(_shrunk(colour, longest), _shrunk(clean, longest))


def _rgba(file: Path, longest: int) -> Cutout:
    pixels = np.asarray(Image.open(file).convert("RGBA"))
    colour = Image.fromarray(spread_colour(pixels[..., :3], pixels[..., 3]))
    alpha = Image.fromarray(np.ascontiguousarray(pixels[..., 3]))
    return Cutout(_shrunk(colour, longest), _shrunk(alpha, longest))
