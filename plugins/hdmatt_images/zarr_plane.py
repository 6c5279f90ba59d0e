"""The plane (y, x, c) of a zarr array, whatever the order of its axes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import Lattice
from hdmatt_core.shards.compiled import compiled
from hdmatt_core.stage import Array
from hdmatt_images.depth import BITS
from hdmatt_images.faults import reading
from hdmatt_images.ome import level_of

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
    lattice: Lattice | None = None
    levels: int = 1

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
        with reading(path):
            found = level_of(path, node.attrs.asdict(), [name for name, _ in node.arrays()], level)
            array = node[found.path]
        if not isinstance(array, zarr.Array):
            raise UserError(f"{path}: level {level} is not an array; write the OME-Zarr image again")
        return replace(cls._of(path, array, found.axes), lattice=found.lattice, levels=found.count)

    @classmethod
    def _of(cls, path: Path, array: zarr.Array[Any], named: tuple[str, ...] | None) -> ZarrPlane:
        axes = named or _guessed(array.shape)
        if axes is None or not _readable(array.shape, axes):
            raise _unreadable(path, array.shape, axes)
        stored = array.dtype.newbyteorder("=").name
        dtype = _READ_AS.get(stored, stored)
        if dtype not in BITS:
            raise UserError(f"{path}: has {stored} samples, which are not read; save it as uint8, uint16 or float32")
        with reading(path):
            return cls(compiled(array), axes, dtype)

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


def _unreadable(path: Path, shape: tuple[int, ...], axes: tuple[str, ...] | None) -> UserError:
    letters = f" ({','.join(axes)})" if axes else ""
    sides = dict(zip(axes or (), shape, strict=False))
    long = [f"{side} along {letter}" for letter, side in sides.items() if letter not in "yxc" and side > 1]
    if len(sides) == len(shape) and {"y", "x"} <= sides.keys() and long:
        return UserError(
            f"{path}: is a stack of pictures ({', '.join(long)}); save the one you want as a store of its own"
        )
    if sides.get("c", 0) > _CHANNELS:
        return UserError(f"{path}: has {sides['c']} channels; save the one or three that are the picture")
    return UserError(f"{path}: has the shape {shape}{letters}; give an array (y, x), (y, x, c) or (c, y, x)")
