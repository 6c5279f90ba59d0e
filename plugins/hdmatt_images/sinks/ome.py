"""OME-Zarr 0.5: a pyramid of zarr v3 arrays (https://ngff.openmicroscopy.org/0.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial as partial_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hdmatt_core.geometry import Box
from hdmatt_core.kinds import About, Lattice
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array
from hdmatt_images.ome import lattice_of
from hdmatt_images.pyramid import Shape, above, above_bytes, plane, shapes
from hdmatt_images.sinks.base import PictureSink, Read
from hdmatt_images.zarr_layout import CHUNK, create, shard_of, shards

if TYPE_CHECKING:
    import zarr

VERSION = "0.5"
_COLOURS = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"), ("alpha", "FFFFFF"))


class OmeZarrSink(PictureSink):
    """An OME-Zarr 0.5 image (y, x) or (c, y, x) of levels halved down to one chunk; 8 or 16 bits or float.

    Chunks of 512 in shards of 1024 pixels, packed with Zstandard. The scale and the unit of an OME-Zarr source are
    kept, a resolution becomes a scale in micrometres. A level is the mean of 2 x 2 pixels of the one below it.
    """

    suffixes = (".ome.zarr",)

    def write_bytes(self, spec: ArraySpec) -> int:
        """A shard as read, converted and packed, and a piece of the level below."""
        rows, columns = map(shard_of, spec.shape[:2])
        return self.piece_bytes(spec, rows * columns) + above_bytes(spec, self.dtype)

    def write(self, partial: Path, spec: ArraySpec, read: Read, about: About) -> None:
        import zarr

        from hdmatt_core.shards.compiled import compiled
        from hdmatt_core.shards.writing import write_shard

        levels = shapes(plane(spec), CHUNK)
        attributes = {"ome": self._described(spec, levels, about)}
        zarr.create_group(str(partial), zarr_format=3, overwrite=True, attributes=attributes)
        values: Read = partial_of(self.values, read)
        for level, shape in enumerate(levels):
            array = create(partial, str(level), _axes(spec), _planar(spec, shape), self.dtype)
            for box in shards(shape):
                pixels = np.moveaxis(values(box), -1, 0) if spec.channels else values(box)
                write_shard(array, (*[0] * (array.ndim - 2), *box.start), pixels)
            values = above(_reader(compiled(array)), shape)

    def _described(self, spec: ArraySpec, levels: Sequence[Shape], about: About) -> dict[str, Any]:
        lattice = _placed(about)
        image = {
            "name": self.params.path.name.removesuffix(".ome.zarr"),
            "axes": [_axis(letter, lattice) for letter in _axes(spec)],
            "datasets": [
                {"path": str(level), "coordinateTransformations": _transforms(spec, lattice, 2**level)}
                for level in range(len(levels))
            ],
            "type": "mean",
            "metadata": {"description": "mean of 2 x 2 pixels of the level below, colours weighted by alpha"},
        }
        return {"version": VERSION, "multiscales": [image], "omero": {"channels": self._channels(spec)}}

    def _channels(self, spec: ArraySpec) -> list[dict[str, Any]]:
        """How viewers show the channels; alpha is off beside colours."""
        full = 1.0 if self.dtype == "float32" else float(np.iinfo(self.dtype).max)
        window = {"start": 0.0, "end": full, "min": 0.0, "max": full}
        named = _COLOURS[: spec.channels] if spec.channels else _COLOURS[3:]
        return [
            {"label": label, "color": colour, "window": window, "active": len(named) == 1 or label != "alpha"}
            for label, colour in named
        ]


def _placed(about: About) -> Lattice:
    """Where the pixels lie; those of a region begin inside the image."""
    lattice = about.lattice or lattice_of(about.resolution) or Lattice((1.0, 1.0))
    y, x = (at + n * side for at, n, side in zip(lattice.origin, about.offset, lattice.step, strict=True))
    return replace(lattice, origin=(y, x))


def _axes(spec: ArraySpec) -> tuple[str, ...]:
    return ("c", "y", "x") if spec.channels else ("y", "x")


def _planar(spec: ArraySpec, shape: Shape) -> tuple[int, ...]:
    return (spec.channels, *shape) if spec.channels else shape


def _axis(letter: str, lattice: Lattice) -> dict[str, str]:
    if letter == "c":
        return {"name": "c", "type": "channel"}
    unit = {"unit": lattice.unit} if lattice.unit else {}
    return {"name": letter, "type": "space", **unit}


def _transforms(spec: ArraySpec, lattice: Lattice, factor: int) -> list[dict[str, Any]]:
    """Scale and place of a level; its first pixel's centre is the mean of those under it."""
    extra = [1.0] if spec.channels else []
    scale = [side * factor for side in lattice.step]
    origin = [at + side * (factor - 1) / 2 for at, side in zip(lattice.origin, lattice.step, strict=True)]
    return [
        {"type": "scale", "scale": [*extra, *scale]},
        {"type": "translation", "translation": [*(0.0 for _ in extra), *origin]},
    ]


def _at(array: zarr.Array[Any], box: Box) -> tuple[slice, ...]:
    """The pixels of a box, of every channel if there are any."""
    return (*[slice(None)] * (array.ndim - 2), *box.slices)


def _reader(array: zarr.Array[Any]) -> Read:
    def read(box: Box) -> Array:
        window = np.asarray(array[_at(array, box)])
        return np.moveaxis(window, 0, -1) if window.ndim == 3 else window

    return read
