"""Writing a test set: pictures, and ``set.json`` that says where each comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.testset.material import find_material
from hdmatt_core.evaluation.testset.picture import Picture, compose
from hdmatt_core.evaluation.testset.recipe import Entry, Recipe
from hdmatt_core.training import procedural
from hdmatt_core.training.origin import commit

FOLDERS = ("image", "alpha", "trimap", "foreground")
INDEX = "set.json"


def compose_set(
    root: Path,
    recipe: Recipe,
    index: Path,
    split: str = "val",
    *,
    foregrounds: bool = False,
    listener: Callable[[str], None] = lambda name: None,
) -> Path:
    """Compose a set into ``root``: image/, alpha/, trimap/ (and foreground/) NAME.png, and set.json, written last.

    A folder that holds a set already, or part of one, is refused (UserError): a set is never a mixture of two.
    """
    material = find_material(index, split)
    if root.exists() and any(root.iterdir()):
        raise UserError(f"{root} is not empty; give another folder, or empty it")
    kept = FOLDERS if foregrounds else FOLDERS[:3]
    for folder in kept:
        (root / folder).mkdir(parents=True)
    digest, rows = hashlib.blake2b(digest_size=16), []
    for entry in recipe.entries():
        picture = compose(entry, material, recipe.random(entry.number))
        digest.update(picture.image.tobytes() + picture.alpha.tobytes() + picture.trimap.tobytes())
        for folder in kept:
            Image.fromarray(getattr(picture, folder)).save(root / folder / f"{entry.name}.png", compress_level=3)
        rows.append(_row(entry, picture))
        listener(entry.name)
    described = {**_origin(recipe, split, index), "digest": digest.hexdigest(), "pictures": rows}
    (root / INDEX).write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    return root / INDEX


def _origin(recipe: Recipe, split: str, index: Path) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "seed": recipe.seed,
        "count": recipe.count,
        "megapixels": recipe.megapixels,
        "split": split,
        "data": hashlib.blake2b(index.read_bytes(), digest_size=16).hexdigest(),
        "hdmatt": version("hdmatt"),
        "commit": commit(),
        "procedural": procedural.VERSION,
    }


def _row(entry: Entry, picture: Picture) -> dict[str, Any]:
    height, width = picture.alpha.shape
    return {
        "name": entry.name,
        "family": entry.family,
        "band": entry.band,
        "size": [width, height],
        "unknown": round(float((picture.trimap == 128).mean()), 4),
        "sources": picture.sources,
        "background": picture.background,
    }
