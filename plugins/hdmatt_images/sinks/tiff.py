"""TIFF, written tile by tile."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial as partial_of
from pathlib import Path
from typing import Any

import numpy as np

from hdmatt_core.geometry import blocks_of
from hdmatt_core.kinds import About
from hdmatt_core.spec import ArraySpec
from hdmatt_images.pyramid import Shape, above, above_bytes, plane, shapes
from hdmatt_images.sinks.base import RGBA, PictureSink, Read
from hdmatt_images.tiff_page import TiffPage

TILE = 512
LARGE = 16384
"""Pixels along the longer side from which on a picture is written with reduced levels."""
_CLASSIC = 2**32 - 2**25  # bytes of pixels that surely fit a file with 32-bit offsets
_PER_TILE = 256  # bytes kept in memory for each tile that was written, and for each that is read again
_REDUCED = 1  # NewSubfileType: a picture of less resolution
_BIG = (".btf", ".tf8")
_LEAST, _MOST = 1e-3, 2.0**32  # pixels per inch that a ratio of two numbers of 32 bits tells


class TiffSink(PictureSink):
    """A tiled TIFF file, 8 or 16 bits or float: grey, RGB or RGBA with straight alpha, packed with Deflate.

    With a side of more than 16384 pixels, and always as ``.ptif``, it is a pyramid: levels halved down to one tile,
    in SubIFDs, each the mean of 2 x 2 pixels of the one below it. BigTIFF where the pixels would not fit 4 GB
    unpacked, and always as ``.btf`` or ``.tf8``. The ICC profile goes into pictures with colours, the resolution
    into all.
    """

    suffixes = (".tif", ".tiff", ".ptif", ".btf", ".tf8")

    def write_bytes(self, spec: ArraySpec) -> int:
        """A tile as read, converted and packed, a piece of the level below, and the lists of tiles."""
        levels = self._levels(spec)
        tiles = sum(-(-height // TILE) * -(-width // TILE) for height, width in levels)
        rows, columns = tile_of(levels[0])
        reduced = above_bytes(spec, self.dtype) if len(levels) > 1 else 0
        return self.piece_bytes(spec, rows * columns) + reduced + tiles * _PER_TILE

    def write(self, partial: Path, spec: ArraySpec, read: Read, about: About) -> None:
        import tifffile

        levels = self._levels(spec)
        with tifffile.TiffWriter(partial, bigtiff=self._big(spec, levels)) as file:
            base = {"subifds": len(levels) - 1, **_profile(spec, about)}
            self._write_level(file, spec, levels[0], partial_of(self.values, read), **base, **_resolution(about, 0))
            for level, shape in enumerate(levels[1:], 1):
                with closing(_written(file, partial, level - 1)) as below:
                    values = above(_reader(below, spec), levels[level - 1])
                    self._write_level(file, spec, shape, values, subfiletype=_REDUCED, **_resolution(about, level))

    def _write_level(self, file: Any, spec: ArraySpec, shape: Shape, values: Read, **how: Any) -> None:
        tile = tile_of(shape)
        # with the axis of samples, since tifffile takes a tile of one column for one of many rows of samples
        tiles = (values(box).reshape(*box.shape, spec.channels or 1) for box in blocks_of(shape, tile))
        file.write(
            tiles,
            shape=(*shape, *spec.shape[2:]),
            dtype=self.dtype,
            tile=tile,
            compression="zlib",
            predictor=True,
            maxworkers=1,  # more would collect hundreds of MB of tiles before packing them
            metadata=None,
            software="hdmatt",
            **_colours(spec),
            **how,
        )

    def _levels(self, spec: ArraySpec) -> list[Shape]:
        shape = plane(spec)
        pyramid = max(shape) > LARGE or self.params.path.suffix.lower() == ".ptif"
        return shapes(shape, TILE) if pyramid else [shape]

    def _big(self, spec: ArraySpec, levels: Sequence[Shape]) -> bool:
        pixel = (spec.channels or 1) * np.dtype(self.dtype).itemsize
        size = sum(height * width for height, width in levels) * pixel
        return size > _CLASSIC or self.params.path.suffix.lower() in _BIG


def tile_of(shape: Shape) -> tuple[int, int]:
    """Rows and columns of a tile: 512, or less for a small picture, but always a multiple of 16 as TIFF wants."""
    rows, columns = (min(TILE, -(-side // 16) * 16) for side in shape)
    return rows, columns


def _written(file: Any, partial: Path, level: int) -> TiffPage:
    """A level that was written, of a file that is still being written."""
    file.filehandle.flush()
    if level == 0:
        return TiffPage(partial, lambda half: half.pages[0])
    return TiffPage(partial, lambda half: half.pages[0].pages[level - 1])


def _reader(page: TiffPage, spec: ArraySpec) -> Read:
    return lambda box: page.read(box) if spec.channels else page.read(box)[..., 0]


def _colours(spec: ArraySpec) -> dict[str, Any]:
    if spec.channels is None:
        return {"photometric": "minisblack"}
    extra = {"extrasamples": ["unassalpha"]} if spec.channels == RGBA else {}
    return {"photometric": "rgb", "planarconfig": "contig", **extra}


def _profile(spec: ArraySpec, about: About) -> dict[str, Any]:
    return {"iccprofile": about.icc} if spec.channels is not None else {}


def _resolution(about: About, level: int) -> dict[str, Any]:
    # A ratio of two numbers of 32 bits: what does not fit is left out.
    if about.resolution is None or not all(_LEAST < r < _MOST for r in about.resolution):
        return {}
    x, y = about.resolution
    return {"resolution": (x / 2**level, y / 2**level), "resolutionunit": "inch"}
