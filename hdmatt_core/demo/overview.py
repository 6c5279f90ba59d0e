"""A picture of four: photograph, trimap, matte, cut-out on a flat colour."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PANEL = 900
GAP = 12
GROUND = (46, 110, 160)
"""Nothing like the photograph's greens and golds, so that what is left of its background shows."""


def overview(photo: Path, trimap: Path, alpha: Path, cutout: Path) -> Image.Image:
    """The four pictures side by side, two by two, (2 x PANEL) wide, labelled."""
    panels = {
        "photograph": _panel(photo),
        "trimap": _panel(trimap),
        "alpha": _panel(alpha),
        "cut-out": _on_ground(_panel(cutout)),
    }
    width, height = next(iter(panels.values())).size
    sheet = Image.new("RGB", (2 * width + GAP, 2 * height + GAP), "white")
    for i, (label, panel) in enumerate(panels.items()):
        corner = (i % 2 * (width + GAP), i // 2 * (height + GAP))
        sheet.paste(panel.convert("RGB"), corner)
        _label(sheet, label, corner)
    return sheet


def _panel(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        picture.draft("RGB", (2 * PANEL, 2 * PANEL))
        # Averaged with alpha as weight: colours that nobody sees must not bleed into the edges.
        weighted = picture.convert("RGBa") if picture.mode == "RGBA" else picture
        small = weighted.resize((PANEL, round(PANEL * picture.height / picture.width)), Image.Resampling.BOX)
        return small.convert("RGBA") if picture.mode == "RGBA" else small


def _on_ground(cutout: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", cutout.size, (*GROUND, 255)), cutout)


def _label(sheet: Image.Image, text: str, corner: tuple[int, int]) -> None:
    font = ImageFont.load_default(22)
    draw = ImageDraw.Draw(sheet)
    place = (corner[0] + 14, corner[1] + 10)
    box = draw.textbbox(place, text, font=font)
    draw.rectangle((box[0] - 7, box[1] - 5, box[2] + 7, box[3] + 5), fill=(0, 0, 0))
    draw.text(place, text, font=font, fill="white")
