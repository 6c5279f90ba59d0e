"""What training material there is: by an index, or by the folders of one's own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hdmatt_core.errors import UserError

_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"}
_VAL_SHARE = 0.1
_FOLDERS = {"rgba": "cutouts", "pair": "images", "background": "backgrounds"}
_ALPHAS = "alphas"
_LAYOUT = "cutouts/ (RGBA), images/ with alphas/ of the same names, backgrounds/"


class Item(NamedTuple):
    """One piece: kind is rgba, photo, pair or background; a photo and a pair are two files, colour and alpha."""

    kind: str
    files: tuple[Path, ...]
    split: str


def listed(source: Path) -> list[Item]:
    """List an index or a folder, one with an `index.json` by that; raises UserError where it cannot be read."""
    index = source / "index.json" if source.is_dir() else source
    if not index.exists() and source.is_dir():
        return _folder(source)
    try:
        rows = json.loads(index.read_text(encoding="utf-8"))
        return [Item(row["kind"], _files(index.parent, row), row["split"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(f"training data {index} cannot be read ({why}); check 'data' in the configuration") from error


def _files(root: Path, row: dict[str, str]) -> tuple[Path, ...]:
    if row["kind"] == "photo":
        return root / f"{row['file']}-fg.jpg", root / f"{row['file']}-alpha.png"
    return (root / row["file"],)


def _folder(root: Path) -> list[Item]:
    items = []
    for kind, name in _FOLDERS.items():
        found = list(_pictures(root / name))
        val = _validating({_group(root / name, file) for file in found})
        for file in found:
            files = (file,) if kind != "pair" else (file, _alpha_of(root, file))
            items.append(Item(kind, files, "val" if _group(root / name, file) in val else "train"))
    if not items:
        raise UserError(f"{root} has neither index.json nor pictures; it needs {_LAYOUT}")
    return items


def _pictures(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.suffix.lower() in _PICTURES)


def _group(folder: Path, file: Path) -> str:
    """Files of one subfolder show one thing, and go to one split together; a file beside them is its own."""
    inside = file.relative_to(folder)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def _validating(groups: set[str]) -> set[str]:
    """A tenth by the hash of the name, which more files do not change; but one of several at least."""
    rank = {group: hashlib.sha256(group.encode()).digest() for group in groups}
    chosen = {group for group, digest in rank.items() if digest[0] < 256 * _VAL_SHARE}
    return chosen or ({min(rank, key=lambda group: rank[group])} if len(rank) > 1 else set())


def _alpha_of(root: Path, image: Path) -> Path:
    stem = (root / _ALPHAS / image.relative_to(root / _FOLDERS["pair"])).with_suffix("")
    for suffix in sorted(_PICTURES):
        if stem.with_suffix(suffix).exists():
            return stem.with_suffix(suffix)
    raise UserError(f"{image} has no alpha; put it at {stem}.png")
