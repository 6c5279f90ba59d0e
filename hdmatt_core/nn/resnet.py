"""The ResNet trunk (He et al., "Deep Residual Learning", CVPR 2016) with torchvision's parameter names.

Changed for matting: colour, trimap and colour evidence come in, 2x2 pools remember their maxima, no stride after 1/16.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hdmatt_core.nn.evidence import Evidence, colour_evidence, whole_evidence
from hdmatt_core.nn.pooling import pool
from hdmatt_core.nn.presets import ESTIMATES, EVIDENCE_CELL, LINE_CHANNELS, PLANES, TOLD_CHANNELS, Preset

Three = tuple[Tensor, Tensor, Tensor]
Passage = tuple[Tensor, Three, Three]


class Skips(NamedTuple):
    """What the decoder needs of its own patch besides features: activations, pool places and the input.

    `half` (B, w0, H/2, W/2), `quarter` (B, w1, H/4, W/4), `eighth` (B, w2, H/8, W/8); `place1..3` are uint8 at
    1/4, 1/8 and 1/16; `x` is the six-channel input (B, 6, H, W), `lines` and `planes` its `Evidence`.
    """

    half: Tensor
    quarter: Tensor
    eighth: Tensor
    place1: Tensor
    place2: Tensor
    place3: Tensor
    x: Tensor
    lines: Tensor
    planes: Tensor

    @property
    def evidence(self) -> Evidence:
        """What colour says of the patch."""
        return Evidence(self.lines, self.planes)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut: (B, inputs, H, W) -> (B, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample: nn.Module | None = None
        if inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(F(x) + shortcut(x))."""
        shortcut: Tensor = x if self.downsample is None else self.downsample(x)
        y: Tensor = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y)) + shortcut
        out: Tensor = self.relu(y)
        return out


def _layer(inputs: int, outputs: int, blocks: int, dilation: int = 1) -> nn.Sequential:
    first = BasicBlock(inputs, outputs, dilation)
    return nn.Sequential(first, *(BasicBlock(outputs, outputs, dilation) for _ in range(blocks - 1)))


class Trunk(nn.Module):
    """ResNet from the input (B, 6, H, W) to layer4 (B, w4, H/16, W/16), with the skips on the way."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        w0, w1, w2, w3, w4 = preset.widths
        self._evidence = preset.evidence
        self.conv1 = nn.Conv2d(preset.inputs, w0, preset.stem, stride=2, padding=preset.stem // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(w0)
        self.relu = nn.ReLU()
        self.layer1 = _layer(w0, w1, preset.blocks[0])
        self.layer2 = _layer(w1, w2, preset.blocks[1])
        self.layer3 = _layer(w2, w3, preset.blocks[2])
        self.layer4 = _layer(w3, w4, preset.blocks[3], dilation=2)

    def forward(self, x: Tensor, evidence: Evidence | None = None) -> tuple[Tensor, Skips]:
        """Return the last features at 1/16 and the skips; H and W are multiples of 16.

        `evidence` is that of the patch seen with its surroundings; without it, it sees itself alone.
        """
        seen = self._alone(x) if evidence is None else evidence
        told = colour_evidence(x, seen) if self._evidence else x[:, :0]
        deep, activations, places = self._through(torch.cat([x, told], dim=1), pool)
        return deep, Skips(*activations, *places, x, *seen)

    def known(self, x: Tensor) -> Tensor:
        """Return the last features alone of a patch without unknown pixels: the same bits, no skips and no evidence."""
        # Where nothing is unknown, every estimate is what the trimap says, and no confidence is needed.
        seen = [x]
        if self._evidence:
            known = ESTIMATES - 1
            seen += [*[x[:, 5:6]] * known, *[torch.zeros_like(x[:, 5:6])] * (TOLD_CHANNELS - known)]
        return self._through(torch.cat(seen, dim=1), lambda y: (F.max_pool2d(y, 2), y))[0]

    def _alone(self, x: Tensor) -> Evidence:
        return whole_evidence(x) if self._evidence else _nothing(x)

    def _through(self, seen: Tensor, pooling: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Passage:
        half: Tensor = self.relu(self.bn1(self.conv1(seen)))
        pooled, place1 = pooling(half)
        quarter: Tensor = self.layer1(pooled)
        pooled, place2 = pooling(quarter)
        eighth: Tensor = self.layer2(pooled)
        pooled, place3 = pooling(eighth)
        deep: Tensor = self.layer4(self.layer3(pooled))
        return deep, (half, quarter, eighth), (place1, place2, place3)


def _nothing(x: Tensor) -> Evidence:
    cells = (side // EVIDENCE_CELL + 2 for side in x.shape[2:])
    return Evidence(x.new_zeros((len(x), LINE_CHANNELS, *cells)), x.new_zeros((len(x), PLANES, *x.shape[2:])))
