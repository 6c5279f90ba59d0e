"""What Pillow says of a file, and the formats that it decodes: WebP, BMP and GIF."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.WebPImagePlugin import WebPImageFile

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array
from hdmatt_images import large
from hdmatt_images.exif import orientation_of
from hdmatt_images.faults import HEAD, reading
from hdmatt_images.header import Header, positive, rgb_profile
from hdmatt_images.sources.base import PictureSource

File = TypeVar("File", bound=ImageFile)

_BANDS = {"1": 1, "L": 1, "LA": 2, "P": 3, "RGB": 3, "CMYK": 3, "RGBA": 4}  # as they are read
PILLOW_PIXEL = 12
"""Bytes that Pillow takes for a pixel: as decoded and as converted (4 each), and the bytes that become the array."""

_READ_AS = {"1": "L", "P": "RGB"}


class PillowSource(PictureSource):
    """A WebP, BMP or GIF file (8 bits, first frame), decoded once and held; it cannot be read piece by piece."""

    suffixes = (".webp", ".bmp", ".gif")

    @classmethod
    def accepts(cls, path: Path, head: bytes) -> bool:
        return _format(head) is not None

    def read_header(self) -> Header:
        self.only_level()
        with opened(self._class(), self.params.path) as picture:
            return pillow_header(picture, self.params.path, self.stored_bytes, PILLOW_PIXEL)

    def read_stored(self, box: Box) -> Array:
        header = self.header
        with opened(self._class(), self.params.path) as picture:
            pixels = np.asarray(picture.convert(_READ_AS.get(picture.mode, picture.mode)))
        return pixels.reshape(*header.shape, header.bands)[box.slices]

    def bands(self) -> Iterator[tuple[Box, Array]]:
        raise large.whole_only(self.params.path, self.header, "comes in one piece")

    def _class(self) -> type[ImageFile]:
        path = self.params.path
        with reading(path), path.open("rb") as file:
            found = _format(file.read(HEAD))
        if found is None:
            raise UserError(f"{path}: is not a WebP, BMP or GIF picture; give a picture file")
        return found


@contextmanager
def opened(kind: type[File], path: Path) -> Iterator[File]:
    """The file's header by Pillow, faults of the file as :class:`UserError`.

    The class is used directly, since ``PIL.Image.open`` refuses large pictures by a rule of its own.
    """
    with reading(path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken EXIF data, which is dealt with by a rule
            picture = kind(path)
        with picture:
            yield picture


def pillow_header(picture: ImageFile, path: Path, stored: int, pixel: int) -> Header:
    """The header of an opened picture, which is decoded whole; UserError for a colour mode without a rule.

    While it is decoded the file (``stored`` bytes) and ``pixel`` bytes for each pixel are held, too.
    """
    if picture.mode not in _BANDS:
        raise UserError(f"{path}: has colours of kind {picture.mode}, which are not read; save it as RGB or grey")
    (width, height), bands = picture.size, _BANDS[picture.mode]
    exif, dpi = picture.info.get("exif", b""), picture.info.get("dpi")
    return Header(
        (height, width),
        "uint8",
        bands,
        unit=height * width * bands,
        decoding=stored + height * width * pixel,
        orientation=orientation_of(exif),
        icc=rgb_profile(picture.info.get("icc_profile")),
        resolution=positive((float(dpi[0]), float(dpi[1]))) if dpi else None,
    )


def _format(head: bytes) -> type[ImageFile] | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WebPImageFile
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return GifImageFile
    return BmpImageFile if head[:2] == b"BM" and len(head) >= 14 else None
