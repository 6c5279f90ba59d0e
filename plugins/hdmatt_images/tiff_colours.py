"""What the samples of a TIFF picture mean (TIFF 6.0, section 8 and part 3), brought to grey or RGB."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.stage import Array
from hdmatt_images.colour import rgb_from_cmyk
from hdmatt_images.depth import widened
from hdmatt_images.header import rgb_profile

_WHITE_IS_ZERO, _GREY, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_DECODED_TO_RGB = frozenset([6, 7, 33003, 33005, 34712, 34892, 50001])  # JPEG, JPEG 2000 and WebP compression
_SAMPLES = {_WHITE_IS_ZERO: 1, _GREY: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4, _YCBCR: 3}

_ASSOCIATED = 1  # of ExtraSamples


@dataclass(frozen=True)
class TiffColours:
    """How stored samples become grey (``bands`` 1) or RGB (3) of ``dtype``."""

    photometric: int
    bits: int
    dtype: str
    palette: Array | None
    icc: bytes | None
    associated: bool
    """Whether colours are multiplied by an alpha channel."""

    @classmethod
    def of(cls, tags: Any, path: Path) -> TiffColours:
        """From the tags of a page; UserError for samples or colours without a rule."""
        photometric = int(tags.photometric)
        decoded = photometric != _YCBCR or int(tags.compression) in _DECODED_TO_RGB
        if photometric not in _SAMPLES or not decoded or tags.samplesperpixel < _SAMPLES[photometric]:
            name = getattr(tags.photometric, "name", photometric)
            raise UserError(f"{path}: has colours of kind {name}, which are not read; save it as RGB or grey")
        bits = int(tags.bitspersample)
        dtype = _dtype(tags.dtype, bits)
        if dtype is None or (dtype == "float32" and photometric not in (_GREY, _RGB)):
            what = f"{tags.dtype} samples" if tags.dtype is not None else f"samples of {bits} bits"
            raise UserError(f"{path}: has {what}, which are not read; save it with 8 or 16 bits, or as float32")
        palette = tags.colormap if photometric == _PALETTE else None
        return cls(photometric, bits, dtype, palette, tags.iccprofile, _ASSOCIATED in tags.extrasamples)

    @property
    def bands(self) -> int:
        return 1 if self.photometric in (_WHITE_IS_ZERO, _GREY) else 3

    @property
    def itemsize(self) -> int:
        return int(np.dtype(self.dtype).itemsize)

    def profile(self) -> bytes | None:
        """The profile that still holds for what :meth:`converted` gives."""
        return rgb_profile(self.icc) if self.bands == 3 else None

    def converted(self, samples: Array) -> Array:
        """Grey or RGB (y, x, c) in ``dtype``, from samples (y, x, s); extra samples are left out."""
        kept = samples[..., : _SAMPLES[self.photometric]]
        if self.palette is not None:
            return self._looked_up(kept[..., 0])
        if self.dtype == "float32":
            return kept.astype(np.float32, copy=False)
        full = widened(kept, self.bits)
        if self.photometric == _WHITE_IS_ZERO:
            return np.iinfo(full.dtype).max - full
        return rgb_from_cmyk(full, self.icc) if self.photometric == _CMYK else full

    def _looked_up(self, index: Array) -> Array:
        assert self.palette is not None  # what of() took it for
        table = (self.palette >> 8).astype(np.uint8).T  # TIFF palettes have 16 bits, those that people use 8
        return np.ascontiguousarray(table[index])


def _dtype(stored: np.dtype[Any] | None, bits: int) -> str | None:
    if stored is None:
        return None
    if stored.kind == "f":
        return "float32"
    if stored.kind in "ub" and bits <= 16:
        return "uint8" if bits <= 8 else "uint16"
    return None
