"""The chunks of a PNG file, without its pixels (PNG specification, third edition, sections 5 and 11)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hdmatt_images import orientation
from hdmatt_images.exif import orientation_of
from hdmatt_images.faults import damaged
from hdmatt_images.header import positive

SIGNATURE = b"\x89PNG\r\n\x1a\n"

LONGEST = 1_000_000
"""Pixels on a side that libpng takes; the format itself has 2**31 - 1."""

_BANDS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # by colour type; a palette is read as RGB
_KEPT = (b"IHDR", b"iCCP", b"pHYs", b"eXIf", b"tRNS")
_LARGEST = 16 << 20  # bytes of a chunk or profile that is looked at
_INCH = 0.0254


@dataclass(frozen=True)
class PngChunks:
    """What the chunks say. ``bands`` counts a transparent colour (tRNS) as alpha, as decoders do."""

    shape: tuple[int, int]  # rows, columns
    bits: int
    bands: int
    orientation: int
    icc: bytes | None
    resolution: tuple[float, float] | None


def read_chunks(path: Path, size: int) -> PngChunks:
    """Walk all chunks of a file of ``size`` bytes up to IEND, without the pixels.

    Raises UserError if the file ends before, ValueError, KeyError or struct.error if it is broken.
    """
    with path.open("rb", buffering=0) as file:  # a chunk is looked at by its first 8 bytes
        if file.read(len(SIGNATURE)) != SIGNATURE:
            raise ValueError("not a PNG file")
        found = _walk(file, size)
    if found is None:
        raise damaged(path, "the PNG has no end")
    width, height, bits, colour = struct.unpack(">IIBB", found[b"IHDR"][:10])
    if colour not in _BANDS:
        raise ValueError(f"colour type {colour}")
    return PngChunks(
        (height, width),
        bits,
        _BANDS[colour] + (b"tRNS" in found),
        orientation_of(found[b"eXIf"]) if b"eXIf" in found else orientation.known(None),
        _profile(found.get(b"iCCP")),
        _resolution(found.get(b"pHYs")),
    )


def _walk(file: IO[bytes], size: int) -> dict[bytes, bytes] | None:
    found: dict[bytes, bytes] = {}
    position = len(SIGNATURE)
    while position + 12 <= size:
        file.seek(position)
        length, name = struct.unpack(">I4s", file.read(8))
        position += 12 + length
        if name in _KEPT and length <= _LARGEST:
            found.setdefault(name, file.read(length))
        if name == b"IEND" and position <= size:
            return found
    return None


def _profile(chunk: bytes | None) -> bytes | None:
    if chunk is None:
        return None
    _, _, packed = chunk.partition(b"\0")
    inflate = zlib.decompressobj()
    try:
        profile = inflate.decompress(packed[1:], _LARGEST)
    except zlib.error:
        return None  # a broken profile does not make the pixels worse
    return profile if inflate.eof else None


def _resolution(chunk: bytes | None) -> tuple[float, float] | None:
    if chunk is None or len(chunk) != 9:
        return None
    x, y, unit = struct.unpack(">IIB", chunk)
    return positive((x * _INCH, y * _INCH)) if unit == 1 else None
