"""Curves as a picture: one panel below the other, steps to the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

_SIZE = (900, 220)
_MARGIN = (70, 34, 24, 30)
_INK, _PALE, _LINE = (40, 40, 40), (215, 215, 215), (31, 98, 160)
_RULES = 4


class Curve(NamedTuple):
    """A name and points (step, value) in rising order of steps."""

    name: str
    points: Sequence[tuple[float, float]]


def draw_curves(curves: Sequence[Curve]) -> Image.Image:
    """Draw each curve in a panel of its own, all over the same steps."""
    width, height = _SIZE
    picture = Image.new("RGB", (width, height * max(1, len(curves))), "white")
    last = max((curve.points[-1][0] for curve in curves), default=1.0)
    for number, curve in enumerate(curves):
        picture.paste(_panel(curve, max(last, 1.0)), (0, number * height))
    return picture


def _panel(curve: Curve, last: float) -> Image.Image:
    panel = Image.new("RGB", _SIZE, "white")
    pen, font = ImageDraw.Draw(panel), ImageFont.load_default(13)
    left, top, right, bottom = _MARGIN[0], _MARGIN[1], _SIZE[0] - _MARGIN[2], _SIZE[1] - _MARGIN[3]
    values = [value for _, value in curve.points]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    pen.text((left, 10), f"{curve.name}: {values[-1]:.4g} after {curve.points[-1][0]:,.0f} steps", _INK, font)
    for rule in range(_RULES + 1):
        y = bottom - (bottom - top) * rule / _RULES
        pen.line((left, y, right, y), _PALE)
        pen.text((left - 8, y), f"{low + span * rule / _RULES:.3g}", _INK, font, anchor="rm")
        x = left + (right - left) * rule / _RULES
        pen.text((x, bottom + 6), f"{last * rule / _RULES:,.0f}", _INK, font, anchor="ma")
    places = [
        (left + (right - left) * step / last, bottom - (bottom - top) * (value - low) / span)
        for step, value in curve.points
    ]
    pen.line(places, _LINE, 2)
    return panel
