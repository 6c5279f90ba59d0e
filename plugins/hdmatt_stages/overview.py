"""The overview: the picture, reduced, and what the network makes of its patches before it looks at the full size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from pydantic import Field

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.nn.layout import skips_bytes
from hdmatt_core.nn.presets import COLOURS, OVERVIEW, find_preset
from hdmatt_core.nn.reduction import reduced_mean, reduced_trimap
from hdmatt_core.nn.regions import downsample_regions
from hdmatt_core.spec import ArraySpec, Input, Output
from hdmatt_core.stage import Array, Block, Context, Request, Rows, Specs, Stage, Target, Tiles, Window
from hdmatt_stages.anywhere import checked_stride, palettes_around, slots_around
from hdmatt_stages.batches import batches, input_for
from hdmatt_stages.decoder import decoding_bytes
from hdmatt_stages.encoder import ResNet, encoding_bytes, patches_of
from hdmatt_stages.evidence import evidence_of, seen_around
from hdmatt_stages.pool import grid_of

STRIP = 32
"""Rows of a reduced picture that are made at a time."""


class _Reduced(Stage):
    kind = "overview"

    class Params(Stage.Params):
        """How much smaller."""

        factor: Literal[2, 4, 8] = Field(OVERVIEW, description="pixels of the picture along a side of one of these")

    params: Params

    def smaller(self, spec: ArraySpec) -> ArraySpec:
        """The same with sides of 1/factor, rounded up: a picture of its own, which the stages take as any other."""
        sides = (-(-side // self.params.factor) for side in spec.shape[:2])
        return ArraySpec(spec.dims, (*sides, *spec.shape[2:]), spec.dtype)

    def under(self, target: Target) -> Window:
        """The pixels that the target's stand for; beyond the border the picture is mirrored."""
        box, factor = target.box, self.params.factor
        return Window(Box(tuple(a * factor for a in box.start), tuple(b * factor for b in box.stop)))

    def strip_of(self, target: Target) -> int:
        """Pixels that are reduced at a time."""
        return STRIP * self.params.factor * self.under(target).box.shape[1]

    def by_strips(self, reduced: Callable[[Array, int], Array], pixels: Array) -> Array:
        """Reduce some rows at a time: what is added up is larger than what is read."""
        rows = STRIP * self.params.factor
        return np.concatenate(
            [reduced(pixels[at : at + rows], self.params.factor) for at in range(0, len(pixels), rows)]
        )


class Image(_Reduced):
    """The image with sides of 1/factor: each pixel is the mean of factor x factor, rounded to the image's integers.

    Not in the paper.
    """

    image = Input(("y", "x", "c"), channels=COLOURS, scale=1, doc="RGB")
    reduced = Output(("y", "x", "c"), channels=COLOURS, scale=1, doc="RGB")

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        return {"reduced": self.smaller(specs["image"])}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"image": self.under(target)}

    def scratch(self, target: Target, specs: Specs) -> int:
        return 16 * COLOURS * self.strip_of(target)

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        return {"reduced": self.by_strips(reduced_mean, block.array("image"))}


class Trimap(_Reduced):
    """The trimap with sides of 1/factor: a pixel is what all of its factor x factor are, unknown if they differ.

    Not in the paper.
    """

    trimap = Input(("y", "x"), ("uint8",), scale=1, doc="0, 128, 255")
    reduced = Output(("y", "x"), ("uint8",), scale=1, doc="0, 128, 255")

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        return {"reduced": self.smaller(specs["trimap"])}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"trimap": self.under(target)}

    def scratch(self, target: Target, specs: Specs) -> int:
        return 4 * self.strip_of(target)

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        return {"reduced": self.by_strips(reduced_trimap, block.array("trimap"))}


class Patches(Stage):
    """The network's matte of each query patch alone: encoder and decoder, without contexts.

    Of a reduced picture it costs little and sees far, and an encoder that is told of it (``overview``) decides the
    full size. A patch whose mean alpha nobody can tell from nearby, of smoke or glass, shows whole in it.

    Source: the network of Yu et al., AAAI 2021, with empty contexts; an overview is not in the paper.
    """

    kind = "overview"
    tiles_run = Tiles.QUERIES
    uses_network = True
    tiles = Input(("tile", "c"), ("int32",), channels=3, doc="the tiler's table, of the reduced picture")
    image = Input(("y", "x", "c"), channels=COLOURS, scale=1, doc="RGB, reduced")
    trimap = Input(("y", "x"), ("uint8",), scale=1, doc="0, 128, 255, reduced")
    far = Input(("tile", "c"), ("uint8",), channels=8, doc="known colours anywhere, from colour.far")
    palette = Input(("y", "x", "c"), ("uint8",), channels=3456, doc="likely colours, from colour.palette")
    patches = Output(("tile", "y", "x"), ("float32",), scale=1, doc="alpha, 0..1")

    Params = ResNet.Params
    params: ResNet.Params

    @property
    def preset(self) -> str:
        """The preset that the weights must be of."""
        return self.params.preset

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = grid_of(specs)
        checked_stride(grid)
        if not find_preset(self.preset).evidence:
            raise UserError(f"{self.preset} is told of no colours and no overview; leave the overview out")
        return {"patches": ArraySpec(("tile", "y", "x"), (grid.slots, grid.patch, grid.patch), "float32", 1, grid)}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        grid = grid_of(specs)
        seen = seen_around(grid, target.slots)
        return {
            "image": Window(seen),
            "trimap": Window(seen),
            "far": Rows(slots_around(grid, seen)),
            "palette": Window(palettes_around(grid, seen)),
        }

    def scratch(self, target: Target, specs: Specs) -> int:
        patch, preset = grid_of(specs).patch, find_preset(self.preset)
        kept = 2 * skips_bytes(preset, patch)  # activations in float32, which skips hold in half of it
        return encoding_bytes(preset, patch) + decoding_bytes(preset, patch) + kept

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        import torch

        grid, slots, network = grid_of(block.specs), list(block.target.slots), context.network()
        origin = seen_around(grid, slots).start
        made = np.empty((len(slots), grid.patch, grid.patch), np.float32)
        with torch.inference_mode():
            told = evidence_of(block, origin, slots, context.device)
            for rows in batches(len(slots), context.device, grid.patch):
                image, trimap = (patches_of(block, port, origin, rows) for port in ("image", "trimap"))
                made[rows] = _matted(network, image, trimap, type(told)(*(plane[rows] for plane in told)))
        return {"patches": made}


def _matted(network: Any, image: Array, trimap: Array, told: Any) -> Array:
    """Alpha (n, P, P) of patches (n, P, P, 3) and their trimaps."""
    import torch

    x = input_for(network, image, trimap)
    regions = torch.from_numpy(downsample_regions(trimap)).to(x.device)
    features, skips = network.encoder(x, type(told)(*(plane.to(x.device) for plane in told)))
    nobody = torch.full((len(x), 1), -1, device=x.device)
    fused = network.context(features, regions, features, regions, nobody)
    alpha: Array = network.decoder.around(fused, skips)[:, 0].float().cpu().numpy()
    return alpha
