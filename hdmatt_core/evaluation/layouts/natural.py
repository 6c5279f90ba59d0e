"""AIM-500 and P3M-500: real photographs with annotated mattes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.layouts.folders import first_folder, matched
from hdmatt_core.evaluation.sample import Sample

_P3M_IMAGES = ("original_image", "blurred_image")


def aim_500(root: Path, _: Path) -> list[Sample]:
    """``original/NAME.jpg``, ``trimap/NAME.png``, ``mask/NAME.png``."""
    return matched(root / "original", root / "trimap", root / "mask")


def p3m(root: Path, _: Path) -> list[Sample]:
    """``original_image`` (or ``blurred_image``), ``trimap``, ``mask``, here or in parts (P3M-500-NP) below."""
    if any((root / name).is_dir() for name in _P3M_IMAGES):
        return _part(root, "")
    parts = [part for part in sorted(root.iterdir()) if any((part / name).is_dir() for name in _P3M_IMAGES)]
    if not parts:
        raise UserError(f"{root}: neither {' nor '.join(_P3M_IMAGES)} is here or one folder below")
    return [replace(sample, groups={"part": part.name}) for part in parts for sample in _part(part, f"{part.name}/")]


def _part(root: Path, prefix: str) -> list[Sample]:
    return matched(first_folder(root, _P3M_IMAGES), root / "trimap", root / "mask", prefix)
