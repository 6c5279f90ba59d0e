"""What an array is (:class:`ArraySpec`) and what a stage takes and gives (:class:`Port`)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hdmatt_core.geometry import Grid


@dataclass(frozen=True)
class ArraySpec:
    """Metadata of one array: axis letters, shape, dtype, scale, and for arrays over tiles their grid.

    ``dims`` are ``tile`` (slots of ``grid``), ``y`` and ``x`` (pixels, one of which covers ``scale`` image
    pixels), ``c`` (channels), ``k`` (ranked choices) and ``byte`` (opaque packed bytes).
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    scale: int = 1
    grid: Grid | None = None

    @property
    def over_tiles(self) -> bool:
        return self.dims[:1] == ("tile",)

    @property
    def channels(self) -> int | None:
        return self.shape[self.dims.index("c")] if "c" in self.dims else None

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def row_bytes(self) -> int:
        """Bytes of one element along the first axis (one tile, or one image row)."""
        return math.prod(self.shape[1:]) * np.dtype(self.dtype).itemsize

    def describe(self) -> str:
        """Axes, dtype and scale as shown in errors: ``tile,y,x,c=128  float16  at 1/16``."""
        axes = ",".join(f"c={self.channels}" if d == "c" else d for d in self.dims)
        return f"{axes:<16} {self.dtype:<8} at 1/{self.scale}"


@dataclass(frozen=True)
class Port:
    """A declared input or output of a stage. Empty ``dtypes`` accept any; None for scale or channels too."""

    dims: tuple[str, ...]
    dtypes: tuple[str, ...] = ()
    scale: int | None = None
    channels: int | None = None
    doc: str = ""

    def accepts(self, spec: ArraySpec) -> bool:
        return (
            spec.dims == self.dims
            and (not self.dtypes or spec.dtype in self.dtypes)
            and (self.scale is None or spec.scale == self.scale)
            and (self.channels is None or spec.channels == self.channels)
        )

    def describe(self) -> str:
        """Axes, dtypes and scale as shown in errors and by ``hdmatt stages``."""
        axes = ",".join(f"c={self.channels}" if d == "c" and self.channels else d for d in self.dims)
        dtype = "|".join(self.dtypes) or "any"
        scale = f"at 1/{self.scale}" if self.scale else "at any scale"
        return f"{axes:<16} {dtype:<8} {scale}"


@dataclass(frozen=True)
class Input(Port):
    """An input port; an optional one may be left unwired."""

    optional: bool = False


@dataclass(frozen=True)
class Output(Port):
    """An output port. The first one declared is what the stage's bare name means in YAML."""
