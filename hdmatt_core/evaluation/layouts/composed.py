"""The project's own sets, as ``hdmatt compose`` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.sample import Sample

INDEX = "set.json"


def samples(root: Path, _: Path) -> list[Sample]:
    """``image``, ``trimap``, ``alpha`` NAME.png, in the order of set.json, which names each picture's groups."""
    return [_sample(root, picture) for picture in _index(root)["pictures"]]


def _sample(root: Path, picture: dict[str, str]) -> Sample:
    image, trimap, truth = (root / folder / f"{picture['name']}.png" for folder in ("image", "trimap", "alpha"))
    groups = {"family": picture["family"], "band": picture["band"].partition(" ")[0]}
    return Sample(picture["name"], image, trimap, truth, groups)


def name_of(root: Path) -> str:
    """The set's name, which holds its count and seed."""
    return str(_index(root)["name"])


def _index(root: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((root / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{root / INDEX} cannot be read ({error}); compose the set with hdmatt compose") from error
    return found
