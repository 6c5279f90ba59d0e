"""A trimap from a mask: what is certain, and a band of unknown along the mask's edge."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.spec import ArraySpec, Input, Output
from hdmatt_core.stage import Array, Block, Context, Request, Specs, Stage, Target, Window

PIECE = 512
"""Side of the pieces a target is worked in, px: pieces without an edge cost nothing."""
BYTES = 40
"""Per pixel of a piece and its halo: nearest places, squared and real distances, masks."""

Mask = NDArray[np.bool_]
Width = Annotated[int, Field(ge=0, le=1024)]


def auto_band(shape: tuple[int, int]) -> int:
    """The band for an image of ``shape`` (H, W), px: a hundredth of its shorter side, at least 3 and at most 100."""
    return min(100, max(3, round(min(shape) / 100)))


class FromMask(Stage):
    """A trimap: unknown is what lies within ``band`` px of the other side of the mask's edge.

    With M the mask at half its range and d the Euclidean distance between pixel centres, pixel x is foreground if
    ``M(x) and d(x, not M) > erode``, background if ``not M(x) and d(x, M) > dilate``, unknown otherwise: erosion and
    dilation by a disc. Half is 128 of 8 bits, 32768 of 16, 0.5 of floats; nothing lies beyond the border.

    Source: the custom of the field, as in Xu et al., "Deep Image Matting", CVPR 2017, section 4.
    """

    kind = "trimap"
    mask = Input(("y", "x"), scale=1, doc="any grey: the foreground is the upper half of its range")
    trimap = Output(("y", "x"), ("uint8",), scale=1, doc="0, 128, 255")

    class Params(Stage.Params):
        """Widths in pixels."""

        band: Width | Literal["auto"] = Field("auto", description="unknown on each side of the edge, px")
        erode: Width | None = Field(None, description="unknown inside the mask, px; band if left out")
        dilate: Width | None = Field(None, description="unknown outside the mask, px; band if left out")

    params: Params

    def widths(self, specs: Specs) -> tuple[int, int]:
        """Pixels of unknown inside and outside the mask's edge; ``auto`` is a hundredth of the shorter side."""
        height, width = specs["mask"].shape
        band = auto_band((height, width)) if self.params.band == "auto" else self.params.band
        inside, outside = self.params.erode, self.params.dilate
        return band if inside is None else inside, band if outside is None else outside

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        return {"trimap": ArraySpec(("y", "x"), specs["mask"].shape, "uint8")}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        # A mirrored pixel is never nearer than the one it mirrors, so the border adds nothing.
        return {"mask": Window(target.box.grown(max(self.widths(specs))))}

    def scratch(self, target: Target, specs: Specs) -> int:
        return BYTES * (PIECE + 2 * max(self.widths(specs))) ** 2

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        height, width = block.target.box.shape
        mask, widths = above_half(block.array("mask")), self.widths(block.specs)
        trimap = np.empty((height, width), np.uint8)
        for piece in blocks_of((height, width), (PIECE, PIECE)):
            window = mask[Box(piece.start, piece.grown(2 * max(widths)).stop).slices]
            trimap[piece.slices] = _piece(window, *widths)
        return {"trimap": trimap}


def _piece(mask: Mask, inside: int, outside: int) -> NDArray[np.uint8]:
    """The trimap of a mask less the halo around it."""
    halo = max(inside, outside)
    middle = (slice(halo, len(mask) - halo), slice(halo, mask.shape[1] - halo))
    certain = np.where(mask[middle], np.uint8(255), np.uint8(0))
    if mask.all() or not mask.any():
        return certain
    unknown = _within(mask, inside)[middle] | _within(~mask, outside)[middle]
    return np.where(unknown, np.uint8(128), certain)


def above_half(mask: Array) -> Mask:
    """Where a mask of booleans, integers or floats in 0..1 is in the upper half of its range."""
    if mask.dtype == bool:
        return mask
    half = (int(np.iinfo(mask.dtype).max) + 1) // 2 if np.issubdtype(mask.dtype, np.integer) else 0.5
    upper: Mask = mask >= half
    return upper


def _within(mask: Mask, distance: int) -> Mask:
    """Pixels of the mask that are at most ``distance`` from a pixel outside it."""
    from scipy.ndimage import distance_transform_edt

    near: Mask = distance_transform_edt(mask) <= distance
    return mask & near
