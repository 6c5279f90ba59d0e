"""The decoder: unpool to half resolution, where a colour-line model for every pixel is decided (method: decoder)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hdmatt_core.nn.evidence import colour_evidence, colour_line, estimate
from hdmatt_core.nn.layers import conv_bn_relu
from hdmatt_core.nn.pooling import unpool
from hdmatt_core.nn.presets import COLOURS, STRIDE, Preset
from hdmatt_core.nn.resnet import Skips
from hdmatt_core.nn.solved import spread
from hdmatt_core.nn.surroundings import CELL, surroundings

_ALPHAS, _SURE = [0, 1, 2, 3, 6], [4, 5, 7]
_SQUARE = 4


class _Seen(NamedTuple):
    """What the two finest levels see, in planes (B, c, ...) at 1/4, 1/2 and full size: features and the places of
    their maxima; activations and evidence; the input and evidence."""

    quarter: tuple[Tensor, Tensor]
    half: tuple[Tensor, ...]
    full: tuple[Tensor, ...]

    def within(self, row: int, rows: slice, columns: slice) -> _Seen:
        """Of one patch what lies within rows and columns of pixels, whole cells of 1/4."""

        def cut(planes: tuple[Tensor, ...], cell: int) -> tuple[Tensor, ...]:
            return tuple(plane[row : row + 1, :, _cells(rows, cell), _cells(columns, cell)] for plane in planes)

        quarter, place = cut(self.quarter, CELL)
        return _Seen((quarter, place), cut(self.half, 2), cut(self.full, 1))


class Decoder(nn.Module):
    """Turn fused features (B, C + 3 (Cv + 4), H/16, W/16) and the query's skips into alpha (B, 1, H, W).

    Open in the paper and decided here: everything is convolved at 1/2 or coarser, where a cell holds the four pixels
    of its square as channels; the last layer emits for each of them a colour line, alpha = a . I + b (Levin et al.,
    "A closed-form solution to natural image matting", 2008). Colour evidence joins the skips of each level, and its
    estimates stand beside colour in I.
    """

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        w0, w1, w2 = preset.widths[:3]
        head, told = preset.head, preset.told
        self._width, self._seen, self._evidence = preset.found, preset.seen, preset.evidence
        self.squeeze = conv_bn_relu(preset.fused, preset.features, 1)
        self.at_sixteenth = conv_bn_relu(preset.features, w2, 3)
        self.at_eighth = conv_bn_relu(2 * w2 + told, w1, 3)
        self.at_quarter = conv_bn_relu(2 * w1 + told, w0, 3)
        self.at_half = conv_bn_relu(2 * w0 + told, head, 1)
        self.squares = conv_bn_relu(head + _SQUARE * preset.looked, head, 3)
        self.lines = nn.Conv2d(head, _SQUARE * (preset.seen + 1), 3, padding=1)

    def begin(self) -> None:
        """Initialise the last layer so that alpha is what the matting Laplacian says, or one half without evidence."""
        nn.init.normal_(self.lines.weight, std=0.01)
        if self.lines.bias is not None:
            nn.init.zeros_(self.lines.bias)
            if self._evidence:
                nn.init.ones_(self.lines.bias[_SQUARE * (COLOURS + 1) : _SQUARE * (COLOURS + 2)])

    def forward(self, features: Tensor, skips: Skips) -> Tensor:
        """Return alpha (B, 1, H, W) in [0, 1]."""
        return self.raw(features, skips).clamp(0.0, 1.0)

    def around(self, features: Tensor, skips: Skips) -> Tensor:
        """Return `forward`'s alpha, to rounding, where something is unknown, and the trimap's elsewhere.

        What is near nothing unknown is not decided at the two finest levels. On a processor alone, a patch at a time:
        an accelerator would rather have all of them at once, and decides known pixels too.
        """
        if features.device.type != "cpu":
            return self.raw(features, skips).clamp(0.0, 1.0)
        seen = self._coarse(features, skips)
        alpha = skips.x[:, -1:].clone()
        for row, box in surroundings(skips.x[:, COLOURS + 1]):
            alpha[row : row + 1, :, box[0], box[1]] = self._fine(seen.within(row, *box)).clamp(0.0, 1.0)
        return alpha

    def raw(self, features: Tensor, skips: Skips) -> Tensor:
        """Return alpha before the clamp, for the loss: a clamped value has no gradient."""
        return self._fine(self._coarse(features, skips))

    def _coarse(self, features: Tensor, skips: Skips) -> _Seen:
        """From 1/16 to 1/4, and what the levels after it see."""
        told = self._told(features, skips)
        half, quarter, eighth = _pyramid(told, skips.half.dtype)
        y = self.at_sixteenth(self.squeeze(features))
        y = self.at_eighth(torch.cat([unpool(y, skips.place3), skips.eighth, *eighth], dim=1))
        y = self.at_quarter(torch.cat([unpool(y, skips.place2), skips.quarter, *quarter], dim=1))
        return _Seen((y, skips.place1), (skips.half, *half), (skips.x, *told))

    def _fine(self, seen: _Seen) -> Tensor:
        y = self.at_half(torch.cat([unpool(*seen.quarter), *seen.half], dim=1))
        return self._full(y, *seen.full)

    def _told(self, features: Tensor, skips: Skips) -> list[Tensor]:
        """Colour evidence (B, 8, H, W), of the surroundings and of the contexts; nothing in a network without."""
        if not self._evidence:
            return []
        return [torch.cat([colour_evidence(skips.x, skips.evidence), self._found(features, skips.x)], dim=1)]

    def _found(self, features: Tensor, x: Tensor) -> Tensor:
        """The estimate (B, 2, H, W) of alpha, and its confidence, from the colours that attention found."""
        _, foreground, background = features[:, -3 * self._width :].float().chunk(3, dim=1)
        colours = [part for one in (foreground, background) for part in (one[:, -4:-1], one[:, -1:])]
        line = F.pad(colour_line(*colours), (1, 1, 1, 1), mode="replicate")
        return torch.cat(estimate(x, spread(line, STRIDE)), dim=1).to(x.dtype)

    def _full(self, y: Tensor, x: Tensor, *told: Tensor) -> Tensor:
        """Decide the lines of the four pixels of each square and evaluate them: (B, head, H/2, W/2) to (B, 1, H, W)."""
        estimates = [part[:, _ALPHAS] - 0.5 for part in told]
        seen = _squares(torch.cat([x[:, :COLOURS], *estimates], dim=1))
        sure = _squares(torch.cat([x[:, COLOURS + 1 : COLOURS + 2], *(part[:, _SURE] for part in told)], dim=1))
        looked = [_last(part.to(y.dtype)) for part in (seen, sure)]
        lines = self.lines(self.squares(torch.cat([y, *looked], dim=1))).to(seen.dtype).contiguous()
        slopes, offset = lines.split((seen.shape[1], _SQUARE), dim=1)
        terms = (slopes * seen).unflatten(1, (self._seen, _SQUARE)).sum(dim=1)
        alpha: Tensor = F.pixel_shuffle(terms + offset + 0.5, 2)
        return alpha


def _cells(pixels: slice, cell: int) -> slice:
    return slice(pixels.start // cell, pixels.stop // cell)


def _pyramid(told: list[Tensor], dtype: torch.dtype) -> list[list[Tensor]]:
    """Evidence (B, c, H, W) at 1/2, 1/4 and 1/8, as the convolutions want it."""
    levels = [[part.float() for part in told]]
    for _ in range(3):
        levels.append([_halved(part) for part in levels[-1]])
    return [[_last(part.to(dtype)) for part in level] for level in levels[1:]]


def _halved(planes: Tensor) -> Tensor:
    """Means of 2 x 2; whole rows are added first, which is several times faster than pooling."""
    rows = planes[..., ::2, :] + planes[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]) / _SQUARE


def _squares(planes: Tensor) -> Tensor:
    """`pixel_unshuffle` of (B, c, H, W) to (B, 4 c, H/2, W/2), in half the time on a processor."""
    batch, channels, height, width = planes.shape
    apart = planes.reshape(batch, channels, height // 2, 2, width // 2, 2).permute(0, 1, 3, 5, 2, 4)
    return apart.reshape(batch, _SQUARE * channels, height // 2, width // 2)


def _last(planes: Tensor) -> Tensor:
    """Channels last, as convolutions on a processor like them."""
    return planes.contiguous(memory_format=torch.channels_last)
