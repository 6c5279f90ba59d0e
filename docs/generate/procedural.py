"""The contact sheet of procedural foregrounds.

Usage: python docs/generate/procedural.py docs/assets
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from hdmatt_core.training.procedural import FAMILIES, render

SIDE, SHOWN, GAP = 512, 148, 4
GROUNDS = ((236, 228, 214), (28, 44, 40))
# Two of each family, over a light and a dark ground.
SEEDS = (1, 2)


def panels(family: str) -> list[Image.Image]:
    """A foreground over light, its alpha, and another one of the family over dark."""
    shown = []
    for seed, ground in zip(SEEDS, GROUNDS, strict=True):
        colour, alpha = render(family, SIDE, np.random.default_rng(seed), blur=0.0).levels[0]
        shown += [Image.composite(colour, Image.new("RGB", colour.size, ground), alpha), alpha.convert("RGB")]
    return [panel.resize((SHOWN, SHOWN), Image.Resampling.LANCZOS) for panel in shown[:3]]


def sheet() -> Image.Image:
    """All families, two a row, each with its name."""
    step = SHOWN + GAP
    rows = (len(FAMILIES) + 1) // 2
    page = Image.new("RGB", (6 * step + 3 * GAP, rows * step), "white")
    pen = ImageDraw.Draw(page)
    for number, family in enumerate(FAMILIES):
        left, top = (number // rows) * (3 * step + 3 * GAP), (number % rows) * step
        for place, panel in enumerate(panels(family)):
            page.paste(panel, (left + place * step, top))
        pen.text((left + 4, top + 2), family, fill="black", stroke_width=2, stroke_fill="white")
    return page


if __name__ == "__main__":
    sheet().save(Path(sys.argv[1]) / "procedural.jpg", quality=80, optimize=True, progressive=True)
