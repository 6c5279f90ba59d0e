"""Composition-1k, the test set of Deep Image Matting: composed already or to be composed as its authors do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.layouts.folders import by_stem, first_folder, matched
from hdmatt_core.evaluation.sample import Sample
from hdmatt_core.runtime.outputs import partial_of

MERGED = ("merged", "image", "input")
ALPHAS = ("alpha_copy", "alpha")
TRIMAPS = ("trimaps", "trimap")
LISTS = ("test_fg_names.txt", "test_bg_names.txt")
BACKGROUNDS = 20
"""Backgrounds for each test foreground, in the order of the list."""


def samples(root: Path, scratch: Path) -> list[Sample]:
    """``merged``, ``trimaps``, ``alpha_copy`` NAME_i.png; or ``fg``, ``alpha``, ``trimaps``, ``bg`` and the two lists.

    Of the second form the pictures are composed into ``scratch`` the first time. An alpha called NAME serves every
    NAME_i.
    """
    if any((root / name).is_dir() for name in MERGED):
        return _composed(first_folder(root, MERGED), root)
    if (root / "fg").is_dir():
        for name, fg, bg in _pairs(root):
            _compose(scratch / f"{name}.png", fg, _alpha(root, fg.stem), bg)
        return _composed(scratch, root)
    raise UserError(f"{root}: neither 'merged' (composed pictures) nor 'fg' (foregrounds) is here")


def _composed(images: Path, root: Path) -> list[Sample]:
    alphas, trimaps = first_folder(root, ALPHAS), first_folder(root, TRIMAPS)
    true = by_stem(alphas)
    found = matched(images, trimaps, None)
    lacking = [sample.name for sample in found if _truth(sample.name, true) is None]
    if lacking:
        raise UserError(f"{alphas}: {len(lacking)} pictures have no alpha here", detail=lacking[:20])
    return [
        Sample(s.name, s.image, s.trimap, _truth(s.name, true), {"foreground": s.name.rpartition("_")[0]})
        for s in found
    ]


def _truth(name: str, alphas: dict[str, Path]) -> Path | None:
    return alphas.get(name) or alphas.get(name.rpartition("_")[0])


def _pairs(root: Path) -> Iterator[tuple[str, Path, Path]]:
    """Name, foreground and background of every picture, from the two lists."""
    fgs, bgs = (_listed(root / name) for name in LISTS)
    if len(bgs) < BACKGROUNDS * len(fgs):
        raise UserError(
            f"{root / LISTS[1]}: {len(bgs)} names for {len(fgs)} foregrounds; {BACKGROUNDS} each are needed"
        )
    for number, fg in enumerate(fgs):
        for i in range(BACKGROUNDS):
            yield f"{Path(fg).stem}_{i}", root / "fg" / fg, root / "bg" / bgs[number * BACKGROUNDS + i]


def _listed(path: Path) -> list[str]:
    if not path.is_file():
        raise UserError(f"{path}: no such list; it comes with the set")
    return path.read_text(encoding="utf-8").split()


def _alpha(root: Path, stem: str) -> Path:
    return first_folder(root, ALPHAS) / f"{stem}.png"


def _compose(path: Path, fg: Path, alpha: Path, bg: Path) -> None:
    """Enlarge the background where it is smaller, cut it at the top left, lay the foreground over it."""
    if path.exists():
        return
    for file in (fg, alpha, bg):
        if not file.is_file():
            raise UserError(f"{file}: no such file; the set's lists name it")
    colour, behind = Image.open(fg).convert("RGB"), Image.open(bg).convert("RGB")
    ratio = max(colour.width / behind.width, colour.height / behind.height)
    if ratio > 1:
        size = math.ceil(behind.width * ratio), math.ceil(behind.height * ratio)
        behind = behind.resize(size, Image.Resampling.BICUBIC)
    behind = behind.crop((0, 0, *colour.size))
    share = np.asarray(Image.open(alpha).convert("L"), np.float32)[..., None] / 255
    mixed = share * np.asarray(colour, np.float32) + (1 - share) * np.asarray(behind, np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(path)
    Image.fromarray(mixed.astype(np.uint8)).save(partial)
    partial.replace(path)
