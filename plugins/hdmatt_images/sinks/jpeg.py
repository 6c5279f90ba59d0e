"""JPEG, for pictures without transparency."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hdmatt_core.geometry import blocks_of
from hdmatt_core.kinds import About
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array
from hdmatt_images.sinks.base import PictureSink, Read

QUALITY = 95
_BAND = 512
_MOST_DPI = 65535
_PILLOW = 4  # bytes that Pillow holds for a pixel of RGB


class JpegSink(PictureSink):
    """A JPEG file of quality 95, 8 bits: grey or RGB; lossy, so not for a matte that is worked on.

    The whole picture is in memory while it is packed. The ICC profile goes into RGB, the resolution into all
    where the format can say it (up to 65535 dpi).
    """

    suffixes = (".jpg", ".jpeg")
    depths = ("8",)
    channels = (None, 3)
    longest = 65500  # of libjpeg; the format itself has 65535

    def write_bytes(self, spec: ArraySpec) -> int:
        """The whole picture twice (as written and in Pillow), and a band as read and converted."""
        height, width = spec.shape[:2]
        whole = height * width * ((spec.channels or 1) + _PILLOW)
        return whole + self.piece_bytes(spec, min(height, _BAND) * width)

    def write(self, partial: Path, spec: ArraySpec, read: Read, about: About) -> None:
        from PIL import Image

        picture = Image.fromarray(self._whole(spec, read))
        picture.save(partial, "JPEG", quality=QUALITY, subsampling="4:4:4", **_extras(spec, about))

    def _whole(self, spec: ArraySpec, read: Read) -> Array:
        whole = np.empty(spec.shape, dtype=np.uint8)
        for box in blocks_of(spec.shape[:2], (_BAND, spec.shape[1])):
            whole[box.slices] = self.values(read, box)
        return whole


def _extras(spec: ArraySpec, about: About) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if about.icc is not None and spec.channels is not None:
        found["icc_profile"] = about.icc
    # JFIF has 16 bits for it: a scan's is left out rather than wrong.
    if about.resolution is not None and max(about.resolution) <= _MOST_DPI:
        found["dpi"] = tuple(round(r) for r in about.resolution)
    return found
