"""The encoder E: ResNet trunk and atrous pyramid, shared by query and context patches (method: encoder)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hdmatt_core.errors import UserError
from hdmatt_core.nn.evidence import Evidence
from hdmatt_core.nn.layers import conv_bn_relu
from hdmatt_core.nn.presets import COLOURS, INPUT_CHANNELS, STRIDE, Preset
from hdmatt_core.nn.resnet import Skips, Trunk


class ASPP(nn.Module):
    """Parallel dilated convolutions (DeepLab v3, arXiv 1706.05587) without its global pool: tiles must agree."""

    def __init__(self, inputs: int, branch: int, outputs: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        kernels = [(1, 1), *((3, rate) for rate in rates)]
        self.branches = nn.ModuleList(conv_bn_relu(inputs, branch, kernel, rate) for kernel, rate in kernels)
        self.project = conv_bn_relu(branch * len(kernels), outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, h, w) to (B, outputs, h, w)."""
        out: Tensor = self.project(torch.cat([branch(x) for branch in self.branches], dim=1))
        return out


class Encoder(nn.Module):
    """Map a patch (B, 6, H, W) to features (B, C + 3, H/16, W/16) and the decoder's skips.

    The last three channels are the mean colour of each cell: what attention brings from a context is then an estimate
    of foreground and background colour.
    """

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.trunk = Trunk(preset)
        self.aspp = ASPP(preset.widths[4], preset.branch, preset.features, preset.rates)

    def forward(self, x: Tensor, evidence: Evidence | None = None) -> tuple[Tensor, Skips]:
        """Encode `x`; raises UserError where its shape is not (B, 6, 16 m, 16 n). `evidence`: see `Trunk`."""
        _check(x)
        deep, skips = self.trunk(x, evidence)
        return self._with_colour(deep, x), skips

    def known(self, x: Tensor) -> Tensor:
        """Encode patches without unknown pixels, which are contexts alone: the same bits for less work."""
        _check(x)
        return self._with_colour(self.trunk.known(x), x)

    def _with_colour(self, deep: Tensor, x: Tensor) -> Tensor:
        features = self.aspp(deep)
        return torch.cat([features, F.avg_pool2d(x[:, :COLOURS], STRIDE).to(features.dtype)], dim=1)


def _check(x: Tensor) -> None:
    if x.ndim != 4 or x.shape[1] != INPUT_CHANNELS or x.shape[2] % STRIDE or x.shape[3] % STRIDE:
        raise UserError(f"the encoder got {tuple(x.shape)}; give (B, 6, H, W) with H and W multiples of {STRIDE}")
