"""The documentation's pictures, from the photograph that ships with hdmatt and what `hdmatt demo` made of it.

Usage: python docs/generate/pictures.py demo-out docs/assets
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import binary_erosion

from hdmatt_core.demo import PHOTO, TRIMAP
from hdmatt_core.demo.overview import GROUND

SCENE = (0, 0, 4000, 2988)
DETAIL = (560, 620, 1460, 1420)
LINE = 9
CERTAIN, POSSIBLE = (40, 230, 90), (255, 40, 200)


def trimap() -> Image.Image:
    """The photograph with the borders of the certain and of the possible foreground."""
    pixels = np.array(Image.open(PHOTO).convert("RGB"))
    levels = np.asarray(Image.open(TRIMAP))
    for inside, colour in ((levels > 0, POSSIBLE), (levels == 255, CERTAIN)):
        pixels[inside & ~binary_erosion(inside, iterations=LINE, border_value=1)] = colour
    return Image.fromarray(pixels).crop(SCENE).resize((1100, 822), Image.Resampling.LANCZOS)


def detail(made: Path) -> Image.Image:
    """Photograph, matte, and cut-out on a flat colour, of a detail, side by side in full resolution."""
    cutout = Image.open(made / "cutout.png").crop(DETAIL)
    ground = Image.new("RGB", cutout.size, GROUND)
    ground.paste(cutout.convert("RGB"), mask=cutout.getchannel("A"))
    panels = [Image.open(PHOTO).crop(DETAIL), Image.open(made / "alpha.png").crop(DETAIL), ground]
    width, height = cutout.size
    sheet = Image.new("RGB", (3 * width + 2 * LINE, height), "white")
    for number, panel in enumerate(panels):
        sheet.paste(panel.convert("RGB"), (number * (width + LINE), 0))
    return sheet.resize((1350, 1350 * height // sheet.width), Image.Resampling.LANCZOS)


def main(made: Path, assets: Path) -> None:
    with Image.open(made / "overview.png") as sheet:
        pictures = {"overview": sheet.convert("RGB"), "trimap": trimap(), "detail": detail(made)}
    for name, picture in pictures.items():
        picture.save(assets / f"{name}.jpg", quality=84, optimize=True, progressive=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
