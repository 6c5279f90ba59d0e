"""Where the sets of the field keep their pictures; every one is found by looking at names, no pixel is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from hdmatt_core.errors import UserError, did_you_mean
from hdmatt_core.evaluation.layouts import alphamatting, composed, composition, natural
from hdmatt_core.evaluation.sample import Dataset, Sample

Layout = Callable[[Path, Path], list[Sample]]
"""Samples of a set at a folder; the second folder is for pictures that have to be composed first."""

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "composed": composed.samples,
        "composition-1k": composition.samples,
        "aim-500": natural.aim_500,
        "p3m": natural.p3m,
        "alphamatting": alphamatting.samples,
    }
)


def parse_dataset(word: str, scratch: Path) -> Dataset:
    """The set that ``LAYOUT:ROOT`` names; UserError for an unknown layout, and for a folder that is not laid out so."""
    layout, mark, folder = word.partition(":")
    if layout not in LAYOUTS or not mark or not folder:
        hint = did_you_mean(layout, LAYOUTS)
        raise UserError(
            f"--dataset {word}: write LAYOUT:FOLDER; layouts are {', '.join(LAYOUTS)}{'; ' if hint else ''}{hint}"
        )
    root = Path(folder)
    if not root.is_dir():
        raise UserError(f"--dataset {word}: there is no folder {root}")
    found = LAYOUTS[layout](root, scratch)
    if not found:
        raise UserError(f"{root}: no picture of the layout '{layout}' is here; docs/evaluate.md shows the folders")
    return Dataset(composed.name_of(root) if layout == "composed" else layout, root, tuple(found))
