"""Pictures too large to be held: PNG and JPEG (and TIFF in one piece) read once, band by band, through libvips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.stage import Array
from hdmatt_images.colour import rgb_from_cmyk
from hdmatt_images.faults import damaged
from hdmatt_images.header import Header

BAND = 1024
"""Stored rows in one band."""

_FETCHED = 16  # rows asked of libvips at a time, which holds some eight copies of them

_FORMATS = {"uchar": "uint8", "ushort": "uint16", "float": "float32"}


def boxes(shape: tuple[int, int]) -> Iterator[Box]:
    """The bands of a stored picture of ``shape`` (rows, columns), from top to bottom."""
    return blocks_of(shape, (BAND, shape[1]))


def bands(path: Path, header: Header) -> Iterator[tuple[Box, Array]]:
    """Every band of the file's first picture (y, x, c) with its stored box, in sequence.

    UserError without libvips, for a damaged file, and for one whose rows do not come in sequence.
    """
    vips = _vips(path, header)
    try:
        with path.open("rb") as file:
            picture = _opened(vips, file, path, header)
            _check_sequential(picture, path, header)
            region = vips.Region.new(picture)
            for box in boxes(header.shape):
                yield box, _band(region, picture, box, header.bands)
    except vips.Error as error:
        raise damaged(path, str(error)) from error


def whole_only(path: Path, header: Header, why: str) -> UserError:
    """The error of a picture that must be held whole and does not fit."""
    return UserError(
        f"{path}: {why}, so it can be read only whole ({header.nbytes / 1e6:.0f} MB); raise --memory, or convert it "
        "to a tiled TIFF or to zarr"
    )


def _vips(path: Path, header: Header) -> ModuleType:
    try:
        import pyvips
    except (ImportError, OSError) as error:  # OSError: the Python package without the library
        size = f"{header.nbytes / 1e6:.0f} MB"
        raise UserError(
            f"{path}: is too large to be held ({size}), and reading it piece by piece needs libvips; "
            "pip install 'hdmatt[large]', or raise --memory"
        ) from error
    pyvips.cache_set_max(0)  # a cached operation would give yesterday's pixels of a file that changed
    module: ModuleType = pyvips
    return module


def _opened(vips: Any, file: IO[bytes], path: Path, header: Header) -> Any:
    """The picture in a file that libvips reads through Python: left to itself it maps the file into memory.

    UserError for a kind of picture that libvips does not know, such as a TIFF of 12 bits.
    """
    source = vips.SourceCustom()
    source.on_read(file.read)
    source.on_seek(file.seek)
    try:
        return vips.Image.new_from_source(source, "", access="sequential", fail_on="truncated")
    except vips.Error as error:
        why = str(error).strip().splitlines()[-1].strip()
        raise whole_only(path, header, f"is not read piece by piece by libvips ({why})") from error


def _check_sequential(picture: Any, path: Path, header: Header) -> None:
    fields = set(picture.get_fields())
    if "interlaced" in fields or ("jpeg-multiscan" in fields and picture.get("jpeg-multiscan")):
        raise whole_only(path, header, "is interlaced or progressive")
    if header.associated:
        raise whole_only(path, header, "has colours that are multiplied by alpha, which libvips undoes")
    if (picture.height, picture.width) != header.shape or picture.format not in _FORMATS:
        raise whole_only(path, header, "is of a kind that libvips reads differently")


def _band(region: Any, picture: Any, box: Box, bands: int) -> Array:
    width = box.shape[1]
    band = np.empty((*box.shape, bands), _FORMATS[picture.format])
    for piece in blocks_of(box.shape, (_FETCHED, width)):
        top, bottom = piece.start[0], piece.stop[0]
        data = region.fetch(0, box.start[0] + top, width, bottom - top)
        rows = np.frombuffer(data, band.dtype).reshape(bottom - top, width, picture.bands)
        band[top:bottom] = _converted(rows, picture)[..., :bands]
    return band


def _converted(rows: Array, picture: Any) -> Array:
    if picture.interpretation != "cmyk":
        return rows
    icc = bytes(picture.get("icc-profile-data")) if "icc-profile-data" in picture.get_fields() else None
    return rgb_from_cmyk(rows[..., :4], icc)
