"""What is known of a picture before any pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdmatt_images import orientation

HELD_WHOLE = 64 << 20
"""A picture whose smallest readable piece decodes to more bytes than this is decoded once and held."""


@dataclass(frozen=True)
class Header:
    """Stored size and kind of a picture: ``bands`` are 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.

    ``unit`` are the decoded bytes of the smallest piece that can be read: 0 where any window can, those of a strip,
    tile or chunk, or those of the whole picture; ``strips`` says that it is packed and as wide as the picture.
    ``decoding`` are the bytes taken beside the pixels while a unit is decoded (the packed file, a decoder's own copy).
    """

    shape: tuple[int, int]  # rows, columns as stored
    dtype: str  # uint8, uint16 or float32
    bands: int
    unit: int
    decoding: int = 0
    strips: bool = False
    orientation: int = 1
    icc: bytes | None = None
    resolution: tuple[float, float] | None = None  # pixels per inch along stored x, then y
    associated: bool = False  # colours are multiplied by alpha

    @property
    def nbytes(self) -> int:
        """Bytes of the decoded picture."""
        return self.shape[0] * self.shape[1] * self.pixel_bytes

    @property
    def pixel_bytes(self) -> int:
        return self.bands * np.dtype(self.dtype).itemsize

    @property
    def whole(self) -> bool:
        """Whether the picture's pieces are too large to be read one by one."""
        return self.unit >= self.nbytes or self.unit > HELD_WHOLE

    @property
    def once(self) -> bool:
        """Whether the picture is decoded once and held: windows side by side would decode a strip again and again."""
        return self.whole or self.strips

    @property
    def displayed_shape(self) -> tuple[int, int]:
        return orientation.displayed_shape(self.shape, self.orientation)


def rgb_profile(icc: bytes | None) -> bytes | None:
    """The ICC profile if it describes RGB colours (bytes 16 to 20 name the colour space), else None."""
    return icc if icc and icc[16:20] == b"RGB " else None


def positive(resolution: tuple[float, float] | None) -> tuple[float, float] | None:
    """The resolution if both figures are usable, else None."""
    return resolution if resolution and all(0 < r < float("inf") for r in resolution) else None
