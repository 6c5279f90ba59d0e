"""Sample depths: every value is a share of full scale, and a change of depth keeps the share."""

from __future__ import annotations

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.stage import Array

DTYPES = {"8": "uint8", "16": "uint16", "float": "float32"}
"""The dtype that a sink's ``depth`` stands for."""

BITS = {"uint8": 8, "uint16": 16, "float32": 32}
"""The dtypes a picture may have here, with the bits of a sample."""


def converted(values: Array, dtype: str) -> Array:
    """``values`` (uint8, uint16 or float32) in ``dtype``, rounded to the nearest value, halves upwards.

    Full scale is 255, 65535 and 1.0; floats are clipped to 0..1.
    """
    if values.dtype == dtype:
        return values
    if dtype == "float32":
        return values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)
    if values.dtype == np.float32:
        return _quantized(values, dtype)
    if dtype == "uint16":
        return values.astype(np.uint16) * np.uint16(257)
    return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def widened(values: Array, bits: int) -> Array:
    """Samples of ``bits`` bits (1 to 16) stretched to the full scale of uint8 or, from 9 bits on, uint16."""
    dtype = np.uint8 if bits <= 8 else np.uint16
    full = int(np.iinfo(dtype).max)
    top = (1 << bits) - 1
    if top == full:
        return values.astype(dtype, copy=False)
    return ((values.astype(np.uint32) * full + top // 2) // top).astype(dtype)


def _quantized(values: Array, dtype: str) -> Array:
    if np.isnan(values).any():
        raise UserError(f"what is to be written holds NaN, which {dtype} cannot say; a stage of the pipeline made it")
    full = np.float32(np.iinfo(dtype).max)
    scaled = np.clip(values, 0, 1)
    scaled *= full
    scaled += np.float32(0.5)
    return scaled.astype(dtype)
