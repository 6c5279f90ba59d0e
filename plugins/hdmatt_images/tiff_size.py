"""How large the pixels of a TIFF picture are: by its tags, or by what a microscope's software wrote into the text."""

from __future__ import annotations

import re
from typing import Any

from hdmatt_core.kinds import Lattice
from hdmatt_images.header import positive
from hdmatt_images.ome import resolution_of

Resolution = tuple[float, float]
"""Pixels per inch along stored x, then y."""

_PER_INCH = {2: 1.0, 3: 2.54}  # resolution units: inch, centimetre
_UNITS = {"Å": "angstrom", "nm": "nanometer", "µm": "micrometer", "mm": "millimeter", "cm": "centimeter", "m": "meter"}
_MICRO = "\N{GREEK SMALL LETTER MU}"  # beside the micro sign, which OME-XML writes
_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b[^>]*>")
_APERIO = re.compile(r"\bMPP ?= ?([0-9]*\.?[0-9]+)")


def resolution(file: Any, page: Any) -> Resolution | None:
    """Of a page of an open ``tifffile.TiffFile``; a reduced one has that of the full picture, reduced alike."""
    full = file.pages[0].aspage()
    stated = _from_text(full.description or "") or _from_tags(full.tags)
    if stated is None:
        return None
    x, y = stated
    return positive((x * page.imagewidth / full.imagewidth, y * page.imagelength / full.imagelength))


def _from_text(text: str) -> Resolution | None:
    """OME-XML's PhysicalSizeX and PhysicalSizeY, or Aperio's micrometres per pixel."""
    ome = _PIXELS.search(text) if "<OME" in text[:1000] else None
    if ome is not None:
        sides = [_physical(ome[0], axis) for axis in "XY"]
        return (sides[0], sides[1]) if sides[0] and sides[1] else None
    aperio = _APERIO.search(text) if text.startswith("Aperio") else None
    return _per_inch(float(aperio[1]), "micrometer") if aperio else None


def _physical(pixels: str, axis: str) -> float | None:
    size = re.search(rf'\bPhysicalSize{axis}="([0-9.eE+-]+)"', pixels)
    unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]*)"', pixels)
    name = _UNITS.get(unit[1].replace(_MICRO, "µ") if unit else "µm")
    found = _per_inch(float(size[1]), name) if size and name else None
    return found[0] if found else None


def _per_inch(side: float, unit: str) -> Resolution | None:
    return resolution_of(Lattice((side, side), unit=unit)) if side > 0 else None


def _from_tags(tags: Any) -> Resolution | None:
    x, y, unit = (tags.valueof(code) for code in (282, 283, 296))
    factor = _PER_INCH.get(2 if unit is None else int(unit))
    sides = [_number(side) for side in (x, y)]
    if factor is None or sides[0] is None or sides[1] is None:
        return None
    return positive((sides[0] * factor, sides[1] * factor))


def _number(value: Any) -> float | None:
    """Of a tag: a ratio, as it should be, or a plain number; None for anything else."""
    if isinstance(value, tuple) and len(value) == 2 and value[1]:
        return float(value[0]) / float(value[1])
    return float(value) if isinstance(value, int | float) else None
