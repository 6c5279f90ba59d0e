"""PNG: 1 to 16 bits, grey, RGB and palette, with or without alpha."""

from __future__ import annotations

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array
from hdmatt_images.faults import damaged, reading
from hdmatt_images.header import Header, rgb_profile
from hdmatt_images.png_chunks import LONGEST, SIGNATURE, read_chunks
from hdmatt_images.sources.base import PictureSource


class PngSource(PictureSource):
    """A PNG file, 8 or 16 bits; decoded once and held, or streamed through libvips where it does not fit.

    Alpha is ignored, a palette becomes RGB, 1, 2 and 4 bits are stretched to 8; EXIF orientation is applied.
    """

    suffixes = (".png", ".apng")
    magic = (SIGNATURE,)

    def read_header(self) -> Header:
        self.only_level()
        with reading(self.params.path):
            chunks = read_chunks(self.params.path, self.stored_bytes)
        if max(chunks.shape) > LONGEST:
            raise UserError(f"{self.params.path}: has a side of more than {LONGEST} pixels; save it as TIFF or zarr")
        dtype = "uint16" if chunks.bits == 16 else "uint8"
        return Header(
            chunks.shape,
            dtype,
            chunks.bands,
            unit=chunks.shape[0] * chunks.shape[1] * chunks.bands * (2 if chunks.bits == 16 else 1),
            decoding=self.stored_bytes,
            orientation=chunks.orientation,
            icc=rgb_profile(chunks.icc),
            resolution=chunks.resolution,
        )

    def read_stored(self, box: Box) -> Array:
        import imagecodecs  # and not Pillow, which gives 8 bits of a 16-bit colour PNG

        header = self.header
        with reading(self.params.path):
            pixels: Array = imagecodecs.png_decode(self.params.path.read_bytes())
            pixels = pixels.reshape(pixels.shape[0], pixels.shape[1], -1)
        if (*pixels.shape, str(pixels.dtype)) != (*header.shape, header.bands, header.dtype):
            raise damaged(self.params.path, "the pixels are not what the header says")
        return pixels[box.slices]
