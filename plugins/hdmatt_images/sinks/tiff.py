"""TIFF, written tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hdmatt_core.geometry import blocks_of
from hdmatt_core.kinds import About
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array
from hdmatt_images.sinks.base import RGBA, PictureSink, Read

TILE = 512
_CLASSIC = 2**32 - 2**25  # bytes of pixels that surely fit a file with 32-bit offsets
_PER_TILE = 64  # bytes kept in memory for each tile that was written


class TiffSink(PictureSink):
    """A tiled TIFF file, 8 or 16 bits or float: grey, RGB or RGBA with straight alpha, packed with Deflate.

    BigTIFF where the pixels would not fit 4 GB unpacked. The ICC profile goes into pictures with colours, the
    resolution into all.
    """

    suffixes = (".tif", ".tiff")

    def write_bytes(self, spec: ArraySpec) -> int:
        """A tile as read, converted and packed, and the list of tiles."""
        rows, columns = tile_of(spec)
        tiles = -(-spec.shape[0] // rows) * -(-spec.shape[1] // columns)
        return self.piece_bytes(spec, rows * columns) + tiles * _PER_TILE

    def write(self, partial: Path, spec: ArraySpec, read: Read, about: About) -> None:
        import tifffile

        tifffile.imwrite(
            partial,
            self._tiles(spec, read),
            shape=spec.shape,
            dtype=self.dtype,
            tile=tile_of(spec),
            bigtiff=self._pixel_bytes(spec) > _CLASSIC,
            compression="zlib",
            predictor=True,
            maxworkers=1,  # more would collect hundreds of MB of tiles before packing them
            metadata=None,
            software="hdmatt",
            **_colours(spec, about),
        )

    def _tiles(self, spec: ArraySpec, read: Read) -> Iterator[Array]:
        boxes = blocks_of(spec.shape[:2], tile_of(spec))
        # with the axis of samples, since tifffile takes a tile of one column for one of many rows of samples
        return (self.values(read, box).reshape(*box.shape, spec.channels or 1) for box in boxes)

    def _pixel_bytes(self, spec: ArraySpec) -> int:
        return spec.nbytes // _itemsize(spec.dtype) * _itemsize(self.dtype)


def tile_of(spec: ArraySpec) -> tuple[int, int]:
    """Rows and columns of a tile: 512, or less for a small picture, but always a multiple of 16 as TIFF wants."""
    rows, columns = (min(TILE, -(-side // 16) * 16) for side in spec.shape[:2])
    return rows, columns


def _itemsize(dtype: str) -> int:
    return {"uint8": 1, "uint16": 2, "float32": 4}[dtype]


def _colours(spec: ArraySpec, about: About) -> dict[str, Any]:
    found: dict[str, Any] = {"photometric": "minisblack" if spec.channels is None else "rgb"}
    if spec.channels == RGBA:
        found["extrasamples"] = ["unassalpha"]
    if spec.channels is not None:
        found |= {"planarconfig": "contig", "iccprofile": about.icc}
    if about.resolution is not None:
        found |= {"resolution": about.resolution, "resolutionunit": "inch"}
    return found
