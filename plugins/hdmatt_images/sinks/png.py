"""PNG, written in bands of rows (PNG specification, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.kinds import About
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array
from hdmatt_images.png_chunks import LONGEST, SIGNATURE
from hdmatt_images.sinks.base import PictureSink, Read

LEVEL = 4  # 6 takes three times as long for 24 megapixels of RGBA and saves 3 %
_COLOUR_TYPE = {None: 0, 3: 2, 4: 6}
_UP = 2  # the filter of every row: the difference to the row above; no other is as good for mattes
_BAND_BYTES = 32 << 20
_BAND_ROWS = 512
_METRE = 0.0254
_MOST = 2**31 - 1  # of a number in PNG: a resolution beyond it is left out


class PngSink(PictureSink):
    """A PNG file, 8 or 16 bits: grey, RGB or RGBA with straight alpha, written in bands of rows.

    The ICC profile goes into pictures with colours, the resolution into all.
    """

    suffixes = (".png",)
    depths = ("8", "16")
    longest = LONGEST

    def write_bytes(self, spec: ArraySpec) -> int:
        """A band of at most 512 rows and about 32 MiB, as read, converted, filtered and packed."""
        return self.piece_bytes(spec, _band_rows(spec) * spec.shape[1])

    def write(self, partial: Path, spec: ArraySpec, read: Read, about: About) -> None:
        with partial.open("wb") as file:
            file.write(SIGNATURE)
            _chunk(file, b"IHDR", self._header(spec))
            for name, data in _ancillary(about, colours=spec.channels is not None):
                _chunk(file, name, data)
            for data in self._packed(spec, read):
                _chunk(file, b"IDAT", data)
            _chunk(file, b"IEND", b"")

    def _header(self, spec: ArraySpec) -> bytes:
        height, width = spec.shape[:2]
        return struct.pack(">IIBBBBB", width, height, int(self.params.depth), _COLOUR_TYPE[spec.channels], 0, 0, 0)

    def _packed(self, spec: ArraySpec, read: Read) -> Iterator[bytes]:
        deflate = zlib.compressobj(LEVEL, memLevel=9)
        above: Array | None = None
        for box in blocks_of(spec.shape[:2], (_band_rows(spec), spec.shape[1])):
            rows = self._rows(read, box)
            yield deflate.compress(_filtered(rows, above).data)
            above = rows[-1]
        yield deflate.flush()

    def _rows(self, read: Read, box: Box) -> Array:
        values = self.values(read, box)
        big = values.astype(values.dtype.newbyteorder(">"), copy=False)
        return big.reshape(big.shape[0], -1).view(np.uint8)


def _band_rows(spec: ArraySpec) -> int:
    rows = _BAND_ROWS
    while rows > 1 and rows * spec.row_bytes > _BAND_BYTES:
        rows //= 2  # a power of two, so that bands end where chunks do
    return rows


def _filtered(rows: Array, above: Array | None) -> Array:
    """The rows (y, byte) as differences to the one above, each led by the number of the filter."""
    out = np.empty((rows.shape[0], rows.shape[1] + 1), dtype=np.uint8)
    out[:, 0] = _UP
    out[0, 1:] = rows[0] if above is None else rows[0] - above
    np.subtract(rows[1:], rows[:-1], out=out[1:, 1:])
    return out


def _ancillary(about: About, colours: bool) -> Iterator[tuple[bytes, bytes]]:
    if about.icc is not None and colours:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(about.icc)
    per_metre = [round(r / _METRE) for r in about.resolution or ()]
    if per_metre and max(per_metre) <= _MOST:
        yield b"pHYs", struct.pack(">IIB", *per_metre, 1)


def _chunk(file: IO[bytes], name: bytes, data: bytes) -> None:
    if not data and name == b"IDAT":
        return
    file.write(struct.pack(">I", len(data)) + name)
    file.write(data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(name))))
