"""The matte of each query patch."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from hdmatt_core.errors import UserError
from hdmatt_core.kinds import Decoder
from hdmatt_core.nn.layout import skips_bytes
from hdmatt_core.nn.presets import PRESETS, Preset
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Specs, Target
from hdmatt_stages.batches import batches, host_bytes, precision


class Unpool(Decoder):
    """Upsampling by unpooling with the places of the encoder's maxima, down to full resolution.

    ``y <- conv(concat(unpool(y, places), skip))`` from 1/16 to 1/2; there the network sees the four pixels of each
    square as channels and gives every one a colour line of its own, ``alpha = a . I + b`` (Levin et al., 2008); the
    result is clipped to 0..1. On a processor the two finest levels are decided around unknown pixels alone, and what
    lies further away is what the trimap says. At the end edges follow colour where the network is not sure
    (``finish``): alpha is moved to where a pixel's colour lies between the surest ones beside it, and the matting
    Laplacian is solved once more at every pixel.

    Source: Yu et al., AAAI 2021, decoder; the colour lines are this project's choice.
    """

    class Params(Decoder.Params):
        """What becomes of the network's matte."""

        finish: bool = Field(True, description="solve alpha once more at every pixel where the network is not sure")

    params: Params

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = specs["features"].grid
        assert grid is not None
        preset = _preset(specs)
        if specs["skips"].shape[1] != skips_bytes(preset, grid.patch):
            raise UserError(
                f"skips of {specs['skips'].shape[1]} bytes do not belong to features of {preset.name} at "
                f"{grid.patch} px; wire both from the same encoder"
            )
        return {"patches": ArraySpec(("tile", "y", "x"), (grid.slots, grid.patch, grid.patch), "float32", 1, grid)}

    def scratch(self, target: Target, specs: Specs) -> int:
        grid = specs["features"].grid
        assert grid is not None
        return decoding_bytes(_preset(specs), grid.patch)

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        import torch

        network, features, skips = context.network(), block.array("features"), block.array("skips")
        patch = self.infer(block.specs)["patches"].shape[1]
        made = np.empty((len(features), patch, patch), np.float32)
        with torch.inference_mode():
            for part in batches(len(features), context.device, patch):
                made[part] = self._decode(network, features[part], skips[part], patch)
        return {"patches": made}

    def _decode(self, network: Any, features: Array, skips: Array, patch: int) -> Array:
        """Alpha (n, P, P) of fused features (n, h, w, C') and packed skips (n, bytes)."""
        import torch

        from hdmatt_core.nn.finish import finished
        from hdmatt_core.nn.skips import cast, unpack_skips

        where = precision(network)
        fused = torch.from_numpy(features).to(**where).permute(0, 3, 1, 2)
        unpacked = unpack_skips(torch.from_numpy(skips).to(where["device"]), network.preset, patch)
        alpha = network.decoder.around(fused, cast(unpacked, where["dtype"])).float()
        if self.params.finish:
            alpha = finished(unpacked.x, alpha)
        made: Array = alpha[:, 0].cpu().numpy()
        return made


def decoding_bytes(preset: Preset, patch: int) -> int:
    """Bytes that decoding a batch of patches of ``patch`` px allocates."""
    # Measured per pixel of a patch: 243 bytes for hdmatt-s, 320 for hdmatt-r34, float32; to its last touch 358.
    pixel = 6 * (18 + preset.head) + 70
    host = skips_bytes(preset, patch) + 8 * patch**2
    return host_bytes(patch, pixel * patch**2, host)


def _preset(specs: Specs) -> Preset:
    channels = specs["features"].channels
    for preset in PRESETS.values():
        if preset.fused == channels:
            return preset
    known = ", ".join(f"{p.fused} ({p.name})" for p in PRESETS.values())
    raise UserError(f"no network decodes {channels} channels; wire an aggregator that gives {known}")
