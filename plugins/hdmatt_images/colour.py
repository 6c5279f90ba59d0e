"""CMYK to RGB."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hdmatt_core.geometry import blocks_of
from hdmatt_core.stage import Array

_ROWS = 256  # converted at a time, since the arithmetic takes several times the bytes of the pixels


def rgb_from_cmyk(inks: Array, icc: bytes | None) -> Array:
    """RGB (y, x, c=3) of inks (y, x, c=4; 0 is no ink) of the same dtype, uint8 or uint16.

    Through the embedded profile to sRGB, perceptual; by ``(1 - ink)(1 - black)`` where there is none that works.
    """
    rgb = np.empty((*inks.shape[:2], 3), inks.dtype)
    for box in blocks_of(inks.shape[:2], (_ROWS, inks.shape[1])):
        piece = np.ascontiguousarray(inks[box.slices])
        profiled = _through(piece, icc)
        rgb[box.slices] = _plain(piece) if profiled is None else profiled
    return rgb


def _through(inks: Array, icc: bytes | None) -> Array | None:
    if icc is None or icc[16:20] != b"CMYK":
        return None
    import imagecodecs

    try:
        rgb: Array = imagecodecs.cms_transform(inks, icc, _srgb(), colorspace="cmyk", outcolorspace="rgb")
    except imagecodecs.CmsError:
        return None
    return rgb


def _plain(inks: Array) -> Array:
    full = np.uint32(np.iinfo(inks.dtype).max)
    paper = full - inks.astype(np.uint32)
    return ((paper[..., :3] * paper[..., 3:] + full // 2) // full).astype(inks.dtype)


@lru_cache(maxsize=1)
def _srgb() -> bytes:
    import imagecodecs

    return bytes(imagecodecs.cms_profile("srgb"))
