"""Panels of a figure: pixels as squares, heat over grey, labels, outlines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hdmatt_core.geometry import Box

PANEL = 300
"""Side of a panel, px."""
GROUND = (24, 24, 27)
HEAT = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float32)
"""Dark to bright: nothing to the most."""

Colour = tuple[int, int, int]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


def panel(pixels: Bytes) -> Image.Image:
    """A square picture (P, P, 3) or (P, P) as a panel."""
    return Image.fromarray(pixels).resize((PANEL, PANEL), Image.Resampling.BICUBIC).convert("RGB")


def grey(values: Floats) -> Image.Image:
    """Values 0..1, (P, P), from black to white."""
    return panel((values.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def blank() -> Image.Image:
    """An empty panel."""
    return Image.new("RGB", (PANEL, PANEL), GROUND)


def heated(pixels: Bytes, heat: Floats, mask: NDArray[np.bool_]) -> Image.Image:
    """Pixels (P, P, 3) in grey, dark where ``mask`` (h, w) is not, with ``heat`` 0..1 (h, w) over them.

    Colours show the square root of heat, so that little is seen, too.
    """
    light = np.asarray(panel(pixels).convert("L"), np.float32) * np.where(_large(mask) > 0.5, 0.6, 0.15)
    strength = _large(np.sqrt(heat))
    colour = np.stack([np.interp(strength, np.linspace(0, 1, len(HEAT)), HEAT[:, c]) for c in range(3)], axis=-1)
    mixed = light[..., None] + np.minimum(1, 1.5 * strength)[..., None] * (colour - light[..., None])
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8))


def _large(cells: NDArray[np.float32 | np.bool_]) -> Floats:
    """Cells (h, w) as squares of a panel: attention has no finer places than these."""
    small = Image.fromarray(cells.astype(np.float32))
    return np.asarray(small.resize((PANEL, PANEL), Image.Resampling.NEAREST))


def contour(onto: Image.Image, region: NDArray[np.bool_]) -> Image.Image:
    """Draw the border of a region (P, P) in white."""
    small = Image.fromarray(region.astype(np.uint8) * 255).resize((PANEL, PANEL))
    inside = np.asarray(small) > 127
    edge = inside.copy()
    edge[1:-1, 1:-1] &= ~(inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:])
    onto.paste((255, 255, 255), mask=Image.fromarray(edge.astype(np.uint8) * 200))
    return onto


def framed(onto: Image.Image, colour: Colour) -> Image.Image:
    """Draw a frame just inside."""
    ImageDraw.Draw(onto).rectangle((0, 0, onto.width - 1, onto.height - 1), outline=colour, width=4)
    return onto


def marked(onto: Image.Image, y: int, x: int, colour: Colour) -> Image.Image:
    """Draw a cross."""
    draw = ImageDraw.Draw(onto)
    for shade, thick in (((0, 0, 0), 5), (colour, 2)):
        draw.line((x - 12, y, x + 12, y), fill=shade, width=thick)
        draw.line((x, y - 12, x, y + 12), fill=shade, width=thick)
    return onto


def outlined(onto: Image.Image, box: Box, colour: Colour) -> None:
    """Draw a box (y, x) just inside its border."""
    (top, left), (bottom, right) = box.start, box.stop
    draw = ImageDraw.Draw(onto)
    draw.rectangle((left, top, right - 1, bottom - 1), outline=(0, 0, 0), width=5)
    draw.rectangle((left + 1, top + 1, right - 2, bottom - 2), outline=colour, width=3)


def tagged(onto: Image.Image, text: str, y: int = 9, x: int = 10, colour: Colour = (255, 255, 255)) -> Image.Image:
    """Write on black."""
    draw = ImageDraw.Draw(onto)
    left, top, right, bottom = draw.textbbox((x, y), text, font=font(17))
    draw.rectangle((left - 5, top - 4, right + 5, bottom + 4), fill=(0, 0, 0))
    draw.text((x, y), text, font=font(17), fill=colour)
    return onto


def font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """The font that Pillow brings."""
    return ImageFont.load_default(size)
