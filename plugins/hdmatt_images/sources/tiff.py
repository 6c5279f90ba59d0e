"""TIFF and BigTIFF, in strips or tiles, of any compression that imagecodecs knows."""

from __future__ import annotations

from collections.abc import Iterator

from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array
from hdmatt_images import large
from hdmatt_images.faults import reading
from hdmatt_images.header import Header
from hdmatt_images.held import held
from hdmatt_images.sources.base import PictureSource
from hdmatt_images.tiff_colours import TiffColours
from hdmatt_images.tiff_page import TiffPage


class TiffSource(PictureSource):
    """A TIFF or BigTIFF file, 1 to 16 bits or float, read by window: only the tiles touched are decoded.

    ``level`` picks a level of a pyramid. CMYK becomes RGB, a palette too; alpha and other extra samples are ignored;
    the orientation tag is applied. Compressed strips, and pieces over 64 MiB, are decoded once: the picture is held
    whole, or copied into the run's store where it is too large for that.
    """

    suffixes = (".tif", ".tiff", ".btf", ".tf8", ".ptif")
    magic = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

    def read_header(self) -> Header:
        with reading(self.params.path):
            page = self._page()
            colours = TiffColours.of(page.tags, self.params.path)
            page.check_complete()
            return Header(
                page.shape,
                colours.dtype,
                colours.bands,
                # the unit in bytes as they are handed on, so that it compares with the whole
                unit=page.unit * colours.bands * colours.itemsize,
                decoding=3 * page.unit * page.pixel_bytes,
                strips=page.strips,
                orientation=page.orientation,
                icc=colours.profile(),
                resolution=page.resolution,
                associated=colours.associated,
            )

    def read_stored(self, box: Box) -> Array:
        with reading(self.params.path):
            page = self._page()
            return TiffColours.of(page.tags, self.params.path).converted(page.read(box))

    def bands(self) -> Iterator[tuple[Box, Array]]:
        if self.header.whole and self.params.level:
            raise large.whole_only(self.params.path, self.header, f"holds level {self.params.level} in one piece")
        return super().bands()

    def level_count(self) -> int:
        return self._page().level_count

    def _page(self) -> TiffPage:
        path, level = self.params.path, self.params.level
        return held(path, f"page of level {level}", lambda: TiffPage.of_level(path, level))
