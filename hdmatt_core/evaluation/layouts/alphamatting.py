"""alphamatting.com: training pictures with truth, and the test pictures whose mattes are handed in as a zip."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.layouts.folders import matched
from hdmatt_core.evaluation.sample import Sample

TRAINING = ("input_training_lowres", "trimap_training_lowres", "gt_training_lowres")
TEST = ("input_lowres", "trimap_lowres")


def samples(root: Path, _: Path) -> list[Sample]:
    """``input_training_lowres``, ``trimap_training_lowres/Trimap1..``, ``gt_training_lowres``; ``input_lowres``,
    ``trimap_lowres/Trimap1..``, without truth. One sample for each picture and trimap, called Trimap1/NAME."""
    found = _part(root, TRAINING[0], TRAINING[1], TRAINING[2]) + _part(root, TEST[0], TEST[1], None)
    if not found:
        raise UserError(f"{root}: neither {TRAINING[0]} nor {TEST[0]} is here")
    return found


def _part(root: Path, images: str, trimaps: str, truths: str | None) -> list[Sample]:
    if not (root / images).is_dir():
        return []
    levels = sorted(path for path in (root / trimaps).glob("Trimap*") if path.is_dir())
    if not levels:
        raise UserError(f"{root / trimaps}: no folder Trimap1, Trimap2, ... is here")
    return [
        replace(sample, groups={"trimap": level.name})
        for level in levels
        for sample in matched(root / images, level, root / truths if truths else None, f"{level.name}/")
    ]


def write_submission(path: Path, mattes: Mapping[str, Path]) -> None:
    """A zip with ``Trimap1/NAME.png``, ``Trimap2/...``: mattes by sample name, as the site takes them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, matte in sorted(mattes.items()):
            archive.write(matte, f"{name}.png")
