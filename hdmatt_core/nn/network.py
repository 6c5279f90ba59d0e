"""HDMatt whole: encoder, context and decoder in one module, one file of weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hdmatt_core.nn.decoder import Decoder
from hdmatt_core.nn.encoder import Encoder
from hdmatt_core.nn.evidence import Evidence
from hdmatt_core.nn.layers import fold, start
from hdmatt_core.nn.presets import Preset, find_preset
from hdmatt_core.nn.tgnl import TGNL


class HDMatt(nn.Module):
    """The network of a preset, freshly initialised; `encoder`, `context` and `decoder` are used apart at inference."""

    def __init__(self, preset: str | Preset) -> None:
        super().__init__()
        self.preset = find_preset(preset) if isinstance(preset, str) else preset
        self.encoder = Encoder(self.preset)
        self.context = TGNL(self.preset)
        self.decoder = Decoder(self.preset)
        start(self)
        self.decoder.begin()

    def forward(
        self, x: Tensor, regions: Tensor, index: Tensor | None = None, evidence: Evidence | None = None
    ) -> Tensor:
        """Return the unclamped alpha (N, 1, H, W) of patches (N, 6, H, W) with regions (N, H/16, W/16).

        Every patch is a query; `index` (N, K) names the rows that are its contexts (-1 for none). Without an index
        the patches are of one image and each has all others as contexts: N supervised patches for N encodings.
        `evidence`: see `Trunk`.
        """
        return self.told(x, regions, index, evidence)[0]

    def folded(self) -> HDMatt:
        """Make the network faster, for inference alone, and return it: batch normalisation goes into weights."""
        fold(self.eval())
        return self.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def told(
        self, x: Tensor, regions: Tensor, index: Tensor | None = None, evidence: Evidence | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return `forward`'s alpha, and the features (N, C + 3, H/16, W/16) that it came from."""
        features, skips = self.encoder(x, evidence)
        chosen = others(x.shape[0], x.device) if index is None else index
        fused = self.context(features, regions, features, regions, chosen)
        return self.decoder.raw(fused, skips), features


def others(count: int, device: torch.device | None = None) -> Tensor:
    """Return (N, N - 1) int64: for each of N rows the other rows, in rising order."""
    rows = torch.arange(count, device=device)
    grid = rows.expand(count, count)
    return grid[grid != rows.unsqueeze(1)].reshape(count, count - 1)
