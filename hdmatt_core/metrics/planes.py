"""Mattes as planes of 8-bit pixels read by window, whatever holds them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.nn.regions import trimap_classes

Bytes = NDArray[np.uint8]

_VALUES = np.array([0, 128, 255], np.uint8)


class Plane(Protocol):
    """A matte or trimap of 8-bit pixels (y, x) that is read by window."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        ...

    def read(self, box: Box) -> Bytes:
        """The pixels of a box that lies inside the plane."""
        ...


class ArrayPlane:
    """An array (H, W), numpy or zarr, of uint8, uint16, bool or float 0..1, as a plane."""

    def __init__(self, array: Any) -> None:
        self._array = array
        if len(array.shape) != 2:
            raise UserError(f"an array of shape {tuple(array.shape)} is no matte; give (H, W)")

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self._array.shape
        return int(height), int(width)

    def read(self, box: Box) -> Bytes:
        return eight_bit(np.asarray(self._array[box.slices]))


def eight_bit(values: NDArray[Any]) -> Bytes:
    """Matte values as the 8-bit ones that the metrics are defined on, rounded to the nearest, halves upwards.

    Full scale is 255, 65535, True or 1.0; floats are clipped to 0..1. Raises UserError for NaN and other dtypes.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint16:
        return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if values.dtype.kind != "f":
        raise UserError(f"a matte of {values.dtype} has no known full scale; give uint8, uint16 or float in 0..1")
    if np.isnan(values).any():
        raise UserError("the matte holds NaN; repair it first")
    return (np.clip(values.astype(np.float32, copy=False), 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def three_values(trimap: Bytes) -> Bytes:
    """A trimap of 0, 128 and 255 from one that may hold other values (below 85 background, from 170 foreground)."""
    return _VALUES[trimap_classes(trimap)]


def pinned(prediction: Bytes, trimap: Bytes) -> Bytes:
    """The prediction with its known pixels reset from a trimap of 0, 128 and 255."""
    return np.where(trimap == 128, prediction, trimap)


def check_shapes(prediction: tuple[int, int], truth: tuple[int, int], trimap: tuple[int, int]) -> None:
    """UserError naming the sizes where prediction, truth and trimap are not of one size."""
    if prediction == truth == trimap:
        return
    sizes = {"prediction": prediction, "truth": truth, "trimap": trimap}
    told = ", ".join(f"{name} {width} x {height}" for name, (height, width) in sizes.items())
    raise UserError(f"the sizes differ: {told} px; errors are counted pixel by pixel, at one size")
