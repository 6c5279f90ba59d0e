"""JPEG: grey, RGB and CMYK, 8 bits."""

from __future__ import annotations

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array
from hdmatt_images.colour import rgb_from_cmyk
from hdmatt_images.faults import damaged, reading
from hdmatt_images.header import Header
from hdmatt_images.jpeg_markers import complete
from hdmatt_images.sources.base import PictureSource
from hdmatt_images.sources.pillow import PILLOW_PIXEL, opened, pillow_header


class JpegSource(PictureSource):
    """A JPEG file; decoded once and held, or streamed through libvips where it does not fit.

    CMYK becomes RGB through its profile; EXIF orientation is applied; a file that breaks off is refused.
    """

    suffixes = (".jpg", ".jpeg", ".jpe", ".jfif")
    magic = (b"\xff\xd8\xff",)

    def read_header(self) -> Header:
        self.only_level()
        with opened(JpegImageFile, self.params.path) as picture:
            own_copies = 0 if picture.mode != "CMYK" else PILLOW_PIXEL
            return pillow_header(picture, self.params.path, self.stored_bytes, own_copies)

    def read_stored(self, box: Box) -> Array:
        import imagecodecs

        header, path = self.header, self.params.path
        with reading(path):
            data = path.read_bytes()
            if not complete(data):  # libjpeg would fill the missing rows with grey
                raise damaged(path, "the JPEG has no end")
            inks = self._inks()
            if inks is not None:
                return inks[box.slices]
            pixels: Array = imagecodecs.jpeg8_decode(data)
            return pixels.reshape(*header.shape, header.bands)[box.slices]

    def _inks(self) -> Array | None:
        """RGB of a CMYK file, whose inks Pillow reads right way round whatever wrote them; None for the others."""
        with opened(JpegImageFile, self.params.path) as picture:
            if picture.mode != "CMYK":
                return None
            return rgb_from_cmyk(np.asarray(picture), picture.info.get("icc_profile"))
