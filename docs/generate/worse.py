"""Where the shipped weights are worse than closed form, drawn from an evaluation of a composed set.

Usage: python docs/generate/worse.py SET REPORT PICTURE NAME ...

SET is what `hdmatt compose` made, REPORT what `hdmatt evaluate --pipeline pymatting:cf --pipeline hdmatt --out REPORT`
left of it. PICTURE receives a row for each NAME: photograph, trimap, true matte, closed form's and hdmatt's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw

SIDE, GAP, QUALITY = 300, 6, 80
COLUMNS = ("photograph", "trimap", "true matte", "closed form", "hdmatt-s")


def row(composed: Path, report: Path, name: str) -> list[Image.Image]:
    """The five pictures of one, SIDE x SIDE px each."""
    photograph = next((composed / "image").glob(f"{name}.*"))
    files = [
        photograph,
        *(composed / folder / f"{name}.png" for folder in ("trimap", "alpha")),
        *(report / "mattes" / method / f"{name}.png" for method in ("pymatting-cf", "hdmatt")),
    ]
    return [Image.open(file).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS) for file in files]


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """All of them below one another, the columns named in the first."""
    step = SIDE + GAP
    picture = Image.new("RGB", (step * len(COLUMNS) - GAP, step * len(rows) - GAP), "white")
    for down, panels in enumerate(rows):
        for across, panel in enumerate(panels):
            picture.paste(panel, (across * step, down * step))
    draw = ImageDraw.Draw(picture)
    for across, name in enumerate(COLUMNS):
        left = across * step
        draw.rectangle((left + 4, 4, left + 12 + draw.textlength(name), 20), fill="black")
        draw.text((left + 8, 6), name, fill="white")
    return picture


if __name__ == "__main__":
    composed, report, picture = (Path(word) for word in sys.argv[1:4])
    sheet([row(composed, report, name) for name in sys.argv[4:]]).save(picture, quality=QUALITY)
