"""The decoder: unpool to half resolution, then a colour-line model decides at full resolution (method: decoder)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hdmatt_core.nn.evidence import colour_evidence, colour_line, estimate
from hdmatt_core.nn.layers import conv_bn_relu
from hdmatt_core.nn.pooling import unpool
from hdmatt_core.nn.presets import INPUT_CHANNELS, LINEAR_MODELS, STRIDE, Preset
from hdmatt_core.nn.resnet import Skips
from hdmatt_core.nn.solved import spread

_ALPHAS = [0, 1, 3]


class Decoder(nn.Module):
    """Turn fused features (B, C + 3 (Cv + 4), H/16, W/16) and the query's skips into alpha (B, 1, H, W).

    Open in the paper and decided here: at 1/2 the decoder emits coefficients of two local colour-line models,
    alpha = a . I + b (Levin et al., "A closed-form solution to natural image matting", 2008), so that full
    resolution costs a dot product and two narrow convolutions. Colour evidence joins the skips of each level, and its
    estimates stand beside colour in I.
    """

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        w0, w1, w2 = preset.widths[:3]
        head = preset.head
        self._width, self._seen, self._evidence = preset.found, preset.seen, preset.evidence
        told = preset.told
        self.squeeze = conv_bn_relu(preset.fused, preset.features, 1)
        self.at_sixteenth = conv_bn_relu(preset.features, w2, 3)
        self.at_eighth = conv_bn_relu(2 * w2 + told, w1, 3)
        self.at_quarter = conv_bn_relu(2 * w1 + told, w0, 3)
        self.at_half = nn.Sequential(conv_bn_relu(2 * w0 + told, head, 1), nn.Conv2d(head, head, 3, padding=1))
        self.full1 = nn.Conv2d(head - preset.seen * LINEAR_MODELS + INPUT_CHANNELS + told, 16, 3, padding=1)
        self.full2 = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, features: Tensor, skips: Skips) -> Tensor:
        """Return alpha (B, 1, H, W) in [0, 1]."""
        return self.raw(features, skips).clamp(0.0, 1.0)

    def raw(self, features: Tensor, skips: Skips) -> Tensor:
        """Return alpha before the clamp, for the loss: a clamped value has no gradient."""
        told = self._told(features, skips)
        half, quarter, eighth = ([_channels_last(F.avg_pool2d(part, size)) for part in told] for size in (2, 4, 8))
        y = self.at_sixteenth(self.squeeze(features))
        y = self.at_eighth(torch.cat([unpool(y, skips.place3), skips.eighth, *eighth], dim=1))
        y = self.at_quarter(torch.cat([unpool(y, skips.place2), skips.quarter, *quarter], dim=1))
        y = self.at_half(torch.cat([unpool(y, skips.place1), skips.half, *half], dim=1))
        planes = y.contiguous()  # the lines' sums over few channels are faster plane by plane
        return self._full(F.interpolate(planes, scale_factor=2, mode="bilinear", align_corners=False), skips.x, told)

    def _told(self, features: Tensor, skips: Skips) -> list[Tensor]:
        """Colour evidence (B, 5, H, W), of the surroundings and of the contexts; nothing in a network without."""
        if not self._evidence:
            return []
        return [torch.cat([colour_evidence(skips.x, skips.evidence), self._found(features, skips.x)], dim=1)]

    def _found(self, features: Tensor, x: Tensor) -> Tensor:
        """The estimate (B, 2, H, W) of alpha, and its confidence, from the colours that attention found."""
        _, foreground, background = features[:, -3 * self._width :].float().chunk(3, dim=1)
        colours = [part for one in (foreground, background) for part in (one[:, -4:-1], one[:, -1:])]
        line = F.pad(colour_line(*colours), (1, 1, 1, 1), mode="replicate")
        return torch.cat(estimate(x, spread(line, STRIDE)), dim=1).to(x.dtype)

    def _full(self, y: Tensor, x: Tensor, told: list[Tensor]) -> Tensor:
        """Evaluate the lines on colour and evidence, then refine."""
        slopes, offsets, rest = y.tensor_split((self._seen * LINEAR_MODELS, (self._seen + 1) * LINEAR_MODELS), dim=1)
        seen = torch.cat([x[:, :3], *(part[:, _ALPHAS] - 0.5 for part in told)], dim=1)
        pairs = zip(slopes.chunk(LINEAR_MODELS, dim=1), offsets.chunk(LINEAR_MODELS, dim=1), strict=True)
        lines = [(slope * seen).sum(dim=1, keepdim=True) + offset for slope, offset in pairs]
        detail = self.full2(F.relu_(self.full1(torch.cat([*lines, rest, x, *told], dim=1))))
        alpha: Tensor = detail + lines[0] + 0.5
        return alpha


def _channels_last(planes: Tensor) -> Tensor:
    """To be joined with others that are: channels of two orders are joined one by one."""
    return planes.contiguous(memory_format=torch.channels_last)
