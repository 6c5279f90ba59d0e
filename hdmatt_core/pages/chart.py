"""Small charts as SVG inside of a page: a stepped curve with dashed lines at given heights, and divided bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 560, 130
PLOT = 100
"""Height of the plot itself, px; labels stand above and below it."""
TOP = 18

Span = tuple[float, float, float]

STYLE = """
svg { display: block; max-width: 560px; width: 100%; overflow: visible }
svg text { font: 11px system-ui, sans-serif; fill: currentColor }
.curve { fill: none; stroke: var(--ink); stroke-width: 1.5 } .area { fill: var(--ink); opacity: .16 }
.level { stroke: currentColor; stroke-dasharray: 4 4; opacity: .6 } .axis { stroke: var(--line) }
.bar { display: inline-flex; vertical-align: middle; width: 11rem; height: .8rem; background: var(--line) }
.key { display: inline-block; width: .8rem; height: .8rem; margin: 0 .4rem -.1rem 0 }
"""


def steps(spans: Sequence[Span], said: str, until: str, levels: Mapping[str, float]) -> str:
    """A curve of values that hold from one time to another.

    ``said`` is written above it, ``until`` at the end of the time axis; ``levels`` are heights by their labels.
    """
    last = max((end for _, end, _ in spans), default=0.0) or 1.0
    highest = max([*(value for *_, value in spans), *levels.values(), 0.0]) or 1.0
    line = _path([(x0 / last, x1 / last, value / highest) for x0, x1, value in spans])
    drawn = [f'<path class="area" d="{line} V{TOP + PLOT} H0 Z"/><path class="curve" d="{line}"/>'] if spans else []
    drawn += [_level(label, value / highest, place) for place, (label, value) in enumerate(levels.items())]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(said)}">{"".join(drawn)}'
        f'<line class="axis" x1="0" x2="{WIDTH}" y1="{TOP + PLOT}" y2="{TOP + PLOT}"/>'
        f'<text x="0" y="11">{escape(said)}</text><text x="0" y="{HEIGHT}">0</text>'
        f'<text x="{WIDTH}" y="{HEIGHT}" text-anchor="end">{escape(until)}</text></svg>'
    )


def _path(spans: Sequence[Span]) -> str:
    corners = (f"H{x0 * WIDTH:.1f} V{_y(value):.1f} H{x1 * WIDTH:.1f}" for x0, x1, value in spans)
    return f"M0,{TOP + PLOT} {' '.join(corners)}"


def _level(label: str, share: float, place: int) -> str:
    """A dashed line; labels stand beside each other, for two levels may nearly be the same."""
    y, right = _y(share), WIDTH - 170 * place
    return (
        f'<line class="level" x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{right}" y="{y - 3:.1f}" text-anchor="end">{escape(label)}</text>'
    )


def _y(share: float) -> float:
    return TOP + PLOT * (1 - share)


def bar(parts: Mapping[str, float], colours: Mapping[str, str]) -> str:
    """A bar divided as ``parts`` are to each other."""
    whole = sum(parts.values()) or 1.0
    pieces = (
        f'<span title="{escape(name)} {value:.1f}" style="width:{value / whole:.1%};background:{colours[name]}"></span>'
        for name, value in parts.items()
    )
    return f'<span class="bar">{"".join(pieces)}</span>'


def keys(colours: Mapping[str, str]) -> str:
    """What each colour means."""
    return " &nbsp; ".join(
        f'<span class="key" style="background:{colour}"></span>{escape(name)}' for name, colour in colours.items()
    )
