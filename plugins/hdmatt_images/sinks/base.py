"""What all sinks share: which arrays they take, and how values are brought to the depth asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import Sink
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array
from hdmatt_images.depth import BITS, DTYPES, converted

Read = Callable[[Box], Array]

RGBA = 4


class PictureSink(Sink):
    """A picture file, written piece by piece: grey (y, x), RGB (y, x, c=3) or RGBA (y, x, c=4), straight alpha."""

    depths: ClassVar[tuple[str, ...]] = ("8", "16", "float")
    channels: ClassVar[tuple[int | None, ...]] = (None, 3, RGBA)
    longest: ClassVar[int] = 2**31 - 1
    params: Sink.Params

    @property
    def dtype(self) -> str:
        """The dtype of the samples that are written."""
        return DTYPES[self.params.depth]

    def check(self, spec: ArraySpec) -> None:
        """UserError if the channels, the depth or the size of ``spec`` cannot be written to this format."""
        path, depth = self.params.path, self.params.depth
        if spec.dims[:2] != ("y", "x") or len(spec.dims) > 3 or spec.dtype not in BITS:
            what = f"an array of axes {','.join(spec.dims)} and dtype {spec.dtype}"
            raise UserError(f"{path}: {what} is no picture; wire another output")
        if spec.channels not in self.channels:
            raise UserError(f"{path}: this format holds no transparency (RGBA); write the cut-out to .png or .tif")
        if depth not in self.depths:
            raise UserError(f"{path}: this format holds no {_named(depth)} samples; choose {self._deeper()}")
        if max(spec.shape[:2]) > self.longest:
            size = f"{spec.shape[1]} x {spec.shape[0]}"
            raise UserError(
                f"{path}: {size} is more than the {self.longest} pixels of this format; write .tif or .zarr"
            )

    def piece_bytes(self, spec: ArraySpec, pixels: int) -> int:
        """Bytes allocated for a piece of ``pixels``: as read, scaled, and as written (several copies)."""
        return pixels * (spec.channels or 1) * (np.dtype(spec.dtype).itemsize + 4 + 4 * np.dtype(self.dtype).itemsize)

    def values(self, read: Read, box: Box) -> Array:
        """The values of a box (y, x) in the depth that is written."""
        return np.ascontiguousarray(converted(read(box), self.dtype))

    def _deeper(self) -> str:
        return f"another depth ({' or '.join(self.depths)}), or write .tif or .zarr"


def _named(depth: str) -> str:
    return "float" if depth == "float" else f"{depth}-bit"
