"""The table of network sizes; pure Python, so that a plan can cost a network without torch."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final

from hdmatt_core.errors import UserError

STRIDE = 16
INPUT_CHANNELS = 6
LINE_CHANNELS = 5
"""Channels of a cell's near line: slope (3) and offset of alpha = slope . I + offset, and confidence."""
PLANES = 4
"""What evidence holds for each pixel: alpha from the matting Laplacian, from palettes, from the overview; and trust."""
ESTIMATES = 5
"""Estimates of alpha: from known colours around, those three, and from the contexts."""
TOLD_CHANNELS = 6
"""What the encoder is told: the first four estimates, and the confidence of the first and of the third."""
EVIDENCE_CHANNELS = 8
"""What the decoder is told: the same, then the last estimate and its confidence."""
COLOURS = 3
OVERVIEW: Final = 4
"""How many times smaller the picture is that the network trains to look at first."""
EVIDENCE_CELL = 8
"""Side in px of the cells that known colours are gathered in."""
EVIDENCE_HALO = 256
"""How far around a patch known colours are seen, px: the widest filter's half, and the cell beyond the border."""
BINS = 12
"""Bins of a palette along red, green and blue."""
PALETTE = BINS**3
AT_ONCE = 16
"""Parts of a picture whose palettes are made together: what is allocated for one is many times as large as it."""
FAR_TILE = 288
"""Side in px of the tiles that far colours are gathered in, where there is no grid to say: the default one's stride."""
FAR_CHANNELS = 8
"""Of a tile's far colours: foreground's colour (3) and weight, background's colour (3) and weight."""
EVIDENCE_MARGIN = 96
"""How far around a patch the fine levels of the matting Laplacian look, px: no more changes anything."""


@dataclass(frozen=True)
class Preset:
    """One network size: `widths` are the channels of conv1, layer1..layer4; `features`, `key`, `value`: C, Ck, Cv.

    Without `evidence` the network sees colour and trimap alone, as the paper's does.
    """

    name: str
    stem: int
    blocks: tuple[int, int, int, int]
    widths: tuple[int, int, int, int, int]
    rates: tuple[int, ...]
    branch: int
    features: int
    key: int
    value: int
    head: int
    evidence: bool = True

    @property
    def inputs(self) -> int:
        """Channels of the first convolution: colour, trimap, and what the encoder is told of colour evidence."""
        return INPUT_CHANNELS + TOLD_CHANNELS * self.evidence

    @property
    def told(self) -> int:
        """Channels of colour evidence at every level of the decoder."""
        return EVIDENCE_CHANNELS * self.evidence

    @property
    def seen(self) -> int:
        """Channels that the decoder's lines are linear in: colour, and the estimates of alpha."""
        return COLOURS + ESTIMATES * self.evidence

    @property
    def looked(self) -> int:
        """Channels that the decoder sees at full resolution: colour, whether it is unknown, colour evidence."""
        return COLOURS + 1 + self.told

    @property
    def encoded(self) -> int:
        """Channels that the encoder hands on: C, and the mean colour of the cell."""
        return self.features + COLOURS

    @property
    def found(self) -> int:
        """Channels that attention brings from a region: Cv, the mean colour there, and 1 where there is any."""
        return self.value + COLOURS + 1

    @property
    def fused(self) -> int:
        """Channels that the context module hands to the decoder: C + 3 (Cv + 4)."""
        return self.features + 3 * self.found


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="hdmatt-r34",
            stem=7,
            blocks=(3, 4, 6, 3),
            widths=(64, 64, 128, 256, 512),
            rates=(2, 4, 8),
            branch=128,
            features=256,
            key=128,
            value=128,
            head=48,
            evidence=False,
        ),
        Preset(
            name="hdmatt-s",
            stem=3,
            blocks=(1, 2, 2, 2),
            widths=(32, 32, 64, 128, 128),
            rates=(2, 4, 8),
            branch=64,
            features=128,
            key=64,
            value=32,
            head=32,
        ),
    )
}


def find_preset(name: str) -> Preset:
    """Return the preset called `name`; a UserError names the nearest one."""
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name, PRESETS, n=1)
    cure = f"did you mean '{near[0]}'?" if near else f"known presets: {', '.join(PRESETS)}"
    raise UserError(f"there is no network preset '{name}'; {cure}")
