"""The foreground's own colours, so that a cut-out shows no fringe of its old background."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from hdmatt_images.depth import converted
from numpy.typing import NDArray
from pydantic import Field

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.spec import ArraySpec, Input, Output
from hdmatt_core.stage import Array, Block, Context, Request, Specs, Stage, Target, Window
from hdmatt_stages.boxsum import Integers, box_sums

ONE = 65535
"""Alpha and colours are integers of 16 bits while they are summed."""
EPSILON = 1e-5
PIECE = 512
"""Side of the pieces a target is worked in, px: pieces without an edge cost nothing, and planes stay in the cache."""
PLANES = 15

Real = NDArray[np.float64]


class BlurFusion(Stage):
    """Foreground colours F of ``I = alpha F + (1 - alpha) B``, as a cut-out (F, alpha) with straight alpha.

    With ``mean_r(x, w) = blur_r(x w) / (blur_r(w) + 1e-5)`` over a window of side r, one step from (F0, B0) is
    ``F^ = mean_r(F0, alpha)``, ``B^ = mean_r(B0, 1 - alpha)``, ``F = F^ + alpha (I - alpha F^ - (1 - alpha) B^)``,
    clipped to the range of colours. The first step begins with F0 = B0 = I and the wide window, the second with the
    F and B^ of the first and the narrow window. Where alpha is 1, F is I; where no foreground is within the narrow
    window, F is black. Windows have odd sides (``2 (r // 2) + 1``) and are mirrored at the border; sums are made in
    integers of 16 bits per sample, so that any tiling gives the same bits.

    Source: Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021 (blur fusion, twice).
    """

    kind = "foreground"
    image = Input(("y", "x", "c"), channels=3, scale=1, doc="RGB")
    alpha = Input(("y", "x"), ("float32",), scale=1, doc="the matte, 0..1")
    cutout = Output(("y", "x", "c"), channels=4, scale=1, doc="RGBA, straight alpha, in the image's dtype")

    class Params(Stage.Params):
        """Sides of the windows in pixels."""

        wide: int = Field(90, ge=1, le=512, description="side of the first step's window, px")
        narrow: int = Field(6, ge=1, le=512, description="side of the second step's window, px")

    params: Params

    @property
    def halves(self) -> tuple[int, int]:
        return self.params.wide // 2, self.params.narrow // 2

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        image, alpha = specs["image"].shape[:2], specs["alpha"].shape
        if image != alpha:
            raise UserError(
                f"the image is {image[1]} x {image[0]} px, alpha {alpha[1]} x {alpha[0]} px; give them of one size"
            )
        return {"cutout": ArraySpec(("y", "x", "c"), (*alpha, 4), specs["image"].dtype)}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        window = Window(target.box.grown(sum(self.halves)))
        return {"image": window, "alpha": window}

    def scratch(self, target: Target, specs: Specs) -> int:
        return 8 * PLANES * (PIECE + 2 * sum(self.halves)) ** 2

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        image, alpha, halo = block.array("image"), block.array("alpha"), sum(self.halves)
        height, width = block.target.box.shape
        cutout = np.empty((height, width, 4), image.dtype)
        for piece in blocks_of((height, width), (PIECE, PIECE)):
            window = Box(piece.start, piece.grown(2 * halo).stop).slices
            cutout[piece.slices] = _cut_out(image[window], alpha[window], self.halves)
        return {"cutout": cutout}


def _cut_out(image: Array, alpha: Array, halves: tuple[int, int]) -> Array:
    """RGBA (h, w, 4) of a piece from windows of the image and alpha with a halo of ``sum(halves)``."""
    codes = np.rint(np.clip(alpha, 0, 1) * np.float32(ONE)).astype(np.int64)
    own = _trimmed(codes, sum(halves))
    near = _trimmed(codes, halves[0])
    middle = _trimmed(image, sum(halves))
    if (own == ONE).all():
        colours = middle
    elif not near.any():
        colours = np.zeros_like(middle)
    else:
        steps = list(_steps(codes, halves))
        planes = [_estimate(_codes(image[..., c]), steps) for c in range(3)]
        colours = np.where((own == ONE)[..., None], middle, _decoded(np.stack(planes, -1), image.dtype))
    # Rounded once, as sinks round a matte: the files of both then say the same.
    written = converted(np.clip(_trimmed(alpha, sum(halves)), 0, 1), image.dtype.name)
    return np.concatenate([colours, written[..., None]], axis=-1)


class _Step(NamedTuple):
    """What all channels share in one step: alpha before it, and 1 / blur of alpha and of 1 - alpha."""

    half: int
    alpha: Integers
    front: Real
    behind: Real


def _steps(alpha: Integers, halves: tuple[int, int]) -> Iterator[_Step]:
    for half in halves:
        floor = EPSILON * ONE * (2 * half + 1) ** 2
        yield _Step(half, alpha, 1 / (box_sums(alpha, half) + floor), 1 / (box_sums(ONE - alpha, half) + floor))
        alpha = _trimmed(alpha, half)


def _estimate(colour: Integers, steps: list[_Step]) -> Integers:
    """F of one channel, 0..65535, of the middle that the windows of all steps leave."""
    front = behind = colour
    for half, weight, over_front, over_behind in steps:
        blurred = box_sums(front * weight, half) * over_front
        ground = box_sums(behind * (ONE - weight), half) * over_behind
        colour, alpha = _trimmed(colour, half), _trimmed(weight, half) / ONE
        fused = blurred + alpha * (colour - alpha * blurred - (1 - alpha) * ground)
        front, behind = _rounded(fused), _rounded(ground)
    return front


def _rounded(values: Real) -> Integers:
    return np.rint(np.clip(values, 0, ONE)).astype(np.int64)


def _trimmed(values: Array, by: int) -> Array:
    return values[by : len(values) - by, by : values.shape[1] - by]


def _codes(values: Array) -> Integers:
    """Samples of any dtype as 0..65535; floats are meant to lie in 0..1."""
    if values.dtype == np.uint8:
        return values.astype(np.int64) * 257
    if values.dtype == np.uint16:
        return values.astype(np.int64)
    return _rounded(values.astype(np.float64) * ONE)


def _decoded(codes: Integers, dtype: np.dtype[np.generic]) -> Array:
    """The reverse of :func:`_codes`."""
    if dtype == np.uint8:
        return ((codes + 128) // 257).astype(np.uint8)
    if dtype == np.uint16:
        return codes.astype(np.uint16)
    return (codes / ONE).astype(dtype)
