"""The plane (y, x, c) of a zarr array, whatever the order of its axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array
from hdmatt_images.depth import BITS
from hdmatt_images.faults import reading

if TYPE_CHECKING:
    import zarr

METADATA = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")
_CHANNELS = 4
_READ_AS = {"bool": "uint8", "float16": "float32", "float64": "float32"}


@dataclass(frozen=True)
class ZarrPlane:
    """An open array and the letters of its axes: y, x, perhaps c, and others of one element."""

    array: zarr.Array[Any]
    axes: tuple[str, ...]
    dtype: str

    @classmethod
    def opened(cls, path: Path, level: int) -> ZarrPlane:
        """The array at ``path``, or that of ``level`` if it is an OME-Zarr image; UserError if it is neither."""
        import zarr

        with reading(path):
            node = zarr.open(str(path), mode="r")
        if isinstance(node, zarr.Array):
            if level:
                raise UserError(f"{path}: has no level {level}, only level 0; leave level out")
            return cls._of(path, node, _named(node))
        array, axes = _multiscale(path, node, level)
        return cls._of(path, array, axes)

    @classmethod
    def _of(cls, path: Path, array: zarr.Array[Any], named: tuple[str, ...] | None) -> ZarrPlane:
        axes = named or _guessed(array.shape)
        if axes is None or not _readable(array.shape, axes):
            letters = f" ({','.join(axes)})" if axes else ""
            raise UserError(
                f"{path}: has the shape {array.shape}{letters}; give an array (y, x), (y, x, c) or (c, y, x)"
            )
        stored = array.dtype.newbyteorder("=").name
        dtype = _READ_AS.get(stored, stored)
        if dtype not in BITS:
            raise UserError(f"{path}: has {stored} samples, which are not read; save it as uint8, uint16 or float32")
        return cls(array, axes, dtype)

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape[self.axes.index("y")], self.array.shape[self.axes.index("x")]

    @property
    def bands(self) -> int:
        return self.array.shape[self.axes.index("c")] if "c" in self.axes else 1

    @property
    def unit(self) -> int:
        """Decoded bytes of the chunks that one pixel lies in."""
        rows, columns = (self.array.chunks[self.axes.index(letter)] for letter in "yx")
        height, width = self.shape
        return min(rows, height) * min(columns, width) * self.bands * np.dtype(self.dtype).itemsize

    def read(self, box: Box) -> Array:
        """The window (y, x, c) in ``dtype``; only the chunks it touches are read."""
        at: dict[str, slice | int] = {"y": box.slices[0], "x": box.slices[1], "c": slice(None)}
        window = np.asarray(self.array[tuple(at.get(letter, 0) for letter in self.axes)])
        kept = [letter for letter in self.axes if letter in at]
        window = window.transpose([kept.index(letter) for letter in "yxc" if letter in kept])
        window = window if "c" in kept else window[..., None]
        if window.dtype == np.bool_:
            return window.astype(np.uint8) * np.uint8(255)
        return window.astype(self.dtype, copy=False)


def _named(array: zarr.Array[Any]) -> tuple[str, ...] | None:
    """The axes by the array's own dimension names (zarr v3), if they name y and x."""
    names = getattr(array.metadata, "dimension_names", None) or ()
    letters = tuple(str(name).lower() for name in names)
    return letters if {"y", "x"} <= set(letters) else None


def _guessed(shape: tuple[int, ...]) -> tuple[str, ...] | None:
    if len(shape) == 2:
        return "y", "x"
    if len(shape) == 3:
        return ("y", "x", "c") if shape[2] <= _CHANNELS or shape[0] > _CHANNELS else ("c", "y", "x")
    return None


def _readable(shape: tuple[int, ...], axes: tuple[str, ...]) -> bool:
    sides = dict(zip(axes, shape, strict=False))
    others = [side for letter, side in sides.items() if letter not in "yxc"]
    return len(sides) == len(shape) and 1 <= sides.get("c", 1) <= _CHANNELS and all(side == 1 for side in others)


def _multiscale(path: Path, group: zarr.Group, level: int) -> tuple[zarr.Array[Any], tuple[str, ...] | None]:
    attributes: Mapping[str, Any] = group.attrs.asdict()
    scales = attributes.get("ome", attributes).get("multiscales")
    if not scales:
        names = ", ".join(sorted(name for name, _ in group.arrays())) or "none"
        raise UserError(f"{path}: is a zarr group and not an array (arrays in it: {names}); give {path.name}/ARRAY")
    datasets: Sequence[Mapping[str, Any]] = scales[0]["datasets"]
    if not 0 <= level < len(datasets):
        raise UserError(f"{path}: has no level {level}, only 0 to {len(datasets) - 1}; choose one of them")
    with reading(path):
        array = group[datasets[level]["path"]]
    axes = scales[0].get("axes", ["t", "c", "z", "y", "x"])  # OME-Zarr before 0.3 had always these
    letters = tuple(str(a["name"] if isinstance(a, Mapping) else a).lower() for a in axes)
    import zarr

    if not isinstance(array, zarr.Array):
        raise UserError(f"{path}: level {level} is not an array; write the OME-Zarr image again")
    return array, letters
