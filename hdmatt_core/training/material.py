"""Training material: what there is, decoded when it is drawn, at no more pixels than composition uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.training.cache import Cache, Shelf, image_bytes
from hdmatt_core.training.cutout import Cutout, spread_colour
from hdmatt_core.training.estimate import foreground_colour
from hdmatt_core.training.listing import Item, listed

T = TypeVar("T")
_MEMORY = 1_500_000_000


@dataclass(frozen=True)
class Library:
    """Foregrounds and backgrounds of one split."""

    photos: Sequence[Cutout]
    cutouts: Sequence[Cutout]
    backgrounds: Sequence[Image.Image]


def load_library(source: Path, split: str, longest: int, cache: Cache | None = None) -> Library:
    """Open the items of `split`, each to be shrunk to at most `longest` px a side; `cache` keeps some decoded.

    `source` is an index (a JSON list of {file, kind: rgba | photo | background, split}, files relative to its folder)
    or a folder of one's own: cutouts/, images/ with alphas/ of the same names, backgrounds/.
    Raises UserError where the index or a file is missing, or nothing of a kind is there.
    """
    items = [item for item in listed(source) if item.split == split]
    cache = cache or Cache(_MEMORY)
    library = Library(
        photos=_shelf(items, ("photo", "pair"), longest, cache),
        cutouts=_shelf(items, ("rgba",), longest, cache),
        backgrounds=Shelf(
            [partial(_read, _background, item.files, longest) for item in items if item.kind == "background"],
            cache,
            image_bytes,
        ),
    )
    if not library.backgrounds or not (library.cutouts or library.photos):
        raise UserError(f"{source} has no background or no foreground in split '{split}'; add some")
    return library


def _shelf(items: list[Item], kinds: tuple[str, ...], longest: int, cache: Cache) -> Shelf[Cutout]:
    makers = [partial(_read, _FOREGROUNDS[item.kind], item.files, longest) for item in items if item.kind in kinds]
    return Shelf(makers, cache, lambda cutout: cutout.nbytes)


def _read(reader: Callable[[tuple[Path, ...], int], T], files: tuple[Path, ...], longest: int) -> T:
    try:
        return reader(files, longest)
    except (OSError, ValueError) as error:
        raise UserError(f"training picture {files[0]} cannot be read ({error}); mend it or take it away") from error


def _shrunk(image: Image.Image, longest: int) -> Image.Image:
    image.thumbnail((longest, longest), Image.Resampling.BOX)
    return image


def _background(files: tuple[Path, ...], longest: int) -> Image.Image:
    return _shrunk(Image.open(files[0]).convert("RGB"), longest)


def _photo(files: tuple[Path, ...], longest: int) -> Cutout:
    colour, alpha = Image.open(files[0]).convert("RGB"), Image.open(files[1]).convert("L")
    # A model's matte is rarely quite 0 or 1 where it should be; trimaps need it to be.
    clean = alpha.point([min(255, max(0, round((v - 6) * 255 / 243))) for v in range(256)])
    return Cutout(_shrunk(colour, longest), _shrunk(clean, longest))


def _pair(files: tuple[Path, ...], longest: int) -> Cutout:
    image, alpha = Image.open(files[0]).convert("RGB"), Image.open(files[1]).convert("L")
    if image.size != alpha.size:
        raise ValueError(f"{image.size} px, but its alpha {files[1].name} has {alpha.size}")
    alpha = _shrunk(alpha, longest)
    return Cutout(Image.fromarray(foreground_colour(np.asarray(_shrunk(image, longest)), np.asarray(alpha))), alpha)


def _rgba(files: tuple[Path, ...], longest: int) -> Cutout:
    pixels = np.asarray(Image.open(files[0]).convert("RGBA"))
    colour = Image.fromarray(spread_colour(pixels[..., :3], pixels[..., 3]))
    alpha = Image.fromarray(np.ascontiguousarray(pixels[..., 3]))
    return Cutout(_shrunk(colour, longest), _shrunk(alpha, longest))


_FOREGROUNDS = {"photo": _photo, "pair": _pair, "rgba": _rgba}
