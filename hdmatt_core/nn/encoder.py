"""The encoder E: ResNet trunk and atrous pyramid, shared by query and context patches (method: encoder)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hdmatt_core.errors import UserError
from hdmatt_core.nn.layers import conv_bn_relu
from hdmatt_core.nn.presets import INPUT_CHANNELS, STRIDE, Preset
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
    """Map a patch (B, 6, H, W) to features (B, C, H/16, W/16) and the decoder's skips."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.trunk = Trunk(preset)
        self.aspp = ASPP(preset.widths[4], preset.branch, preset.features, preset.rates)

    def forward(self, x: Tensor, lines: Tensor | None = None) -> tuple[Tensor, Skips]:
        """Encode `x`; raises UserError where its shape is not (B, 6, 16 m, 16 n). `lines`: see `Trunk`."""
        _check(x)
        deep, skips = self.trunk(x, lines)
        return self.aspp(deep), skips

    def features(self, x: Tensor) -> Tensor:
        """Encode `x` without skips: what a context patch needs, the same bits for less work."""
        _check(x)
        features: Tensor = self.aspp(self.trunk.deep(x))
        return features


def _check(x: Tensor) -> None:
    if x.ndim != 4 or x.shape[1] != INPUT_CHANNELS or x.shape[2] % STRIDE or x.shape[3] % STRIDE:
        raise UserError(f"the encoder got {tuple(x.shape)}; give (B, 6, H, W) with H and W multiples of {STRIDE}")
