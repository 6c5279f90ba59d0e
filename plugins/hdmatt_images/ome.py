"""The metadata of OME-Zarr images, 0.1 to 0.5 (https://ngff.openmicroscopy.org): levels, axes, where pixels lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdmatt_core.errors import UserError
from hdmatt_core.kinds import Lattice

INCH = 0.0254
METRES = {
    "angstrom": 1e-10,
    "nanometer": 1e-9,
    "micrometer": 1e-6,
    "millimeter": 1e-3,
    "centimeter": 1e-2,
    "meter": 1.0,
    "inch": INCH,
}
"""Units of length of the specification that pictures have."""

_BEFORE_AXES = ("t", "c", "z", "y", "x")  # what every image had before version 0.3
_DIGITS = 12  # kept of lengths: what an inch makes of a micrometre is not exact


@dataclass(frozen=True)
class Level:
    """One of ``count`` levels: the path of its array inside the group, its axes, and its lattice if there is one."""

    path: str
    axes: tuple[str, ...]
    lattice: Lattice | None
    count: int


def level_of(store: Path, attributes: Mapping[str, Any], arrays: Sequence[str], level: int) -> Level:
    """The level of the image that a group's ``attributes`` describe; UserError if they describe none."""
    described: Mapping[str, Any] = attributes.get("ome", attributes)
    image = _image(store, described, arrays)
    datasets = image["datasets"]
    if not 0 <= level < len(datasets):
        raise UserError(f"{store}: has no level {level}, only 0 to {len(datasets) - 1}; choose one of them")
    axes = image.get("axes", _BEFORE_AXES)
    letters = tuple(str(a["name"] if isinstance(a, Mapping) else a).lower() for a in axes)
    units = {letter: a.get("unit") for letter, a in zip(letters, axes, strict=True) if isinstance(a, Mapping)}
    transforms = [*datasets[level].get("coordinateTransformations", ()), *image.get("coordinateTransformations", ())]
    return Level(datasets[level]["path"], letters, _lattice(letters, units, transforms), len(datasets))


def _image(store: Path, described: Mapping[str, Any], arrays: Sequence[str]) -> Mapping[str, Any]:
    """The first multiscale image; UserError that says what the group is instead."""
    if "image-label" in described:
        raise UserError(f"{store}: is a label image, which holds the numbers of objects; give a picture")
    if "labels" in described:
        names = ", ".join(map(str, described["labels"]))
        raise UserError(f"{store}: holds label images ({names}), not a picture; give the image that they belong to")
    if "plate" in described or "well" in described:
        what = "plate" if "plate" in described else "well"
        raise UserError(f"{store}: is a {what} of many images; give one of them, such as {store.name}/{_inside(what)}")
    if "bioformats2raw.layout" in described:
        raise UserError(f"{store}: holds a series of images; give one of them, such as {store.name}/0")
    if not described.get("multiscales"):
        names = ", ".join(sorted(arrays)) or "none"
        raise UserError(f"{store}: is a zarr group and not an array (arrays in it: {names}); give {store.name}/ARRAY")
    image: Mapping[str, Any] = described["multiscales"][0]
    return image


def _inside(what: str) -> str:
    return "A/1/0" if what == "plate" else "0"


def _lattice(
    axes: Sequence[str], units: Mapping[str, str | None], transforms: Sequence[Mapping[str, Any]]
) -> Lattice | None:
    """Scales and translations in turn, as the specification applies them: the dataset's first, then the image's."""
    if not transforms or not {"y", "x"} <= set(axes):
        return None
    step, origin = {"y": 1.0, "x": 1.0}, {"y": 0.0, "x": 0.0}
    for transform in transforms:
        for letter in "yx":
            at = axes.index(letter)
            if "scale" in transform:
                step[letter] *= transform["scale"][at]
                origin[letter] *= transform["scale"][at]
            origin[letter] += transform["translation"][at] if "translation" in transform else 0.0
    unit = units.get("y") or ""
    if min(step.values()) <= 0 or unit != (units.get("x") or ""):
        return None
    return Lattice((step["y"], step["x"]), (origin["y"], origin["x"]), unit)


def resolution_of(lattice: Lattice | None) -> tuple[float, float] | None:
    """Pixels per inch, x then y; None where the unit is no length."""
    metres = METRES.get(lattice.unit) if lattice else None
    if lattice is None or metres is None:
        return None
    y, x = (_rounded(INCH / (side * metres)) for side in lattice.step)
    return x, y


def lattice_of(resolution: tuple[float, float] | None) -> Lattice | None:
    """The lattice in micrometres of a resolution in pixels per inch, x then y."""
    if resolution is None:
        return None
    x, y = (_rounded(INCH / METRES["micrometer"] / r) for r in resolution)
    return Lattice((y, x), unit="micrometer")


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
