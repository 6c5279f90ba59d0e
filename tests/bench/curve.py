"""The curve of memory against a picture's size, as an SVG written by hand: no library is needed to draw it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 340, 60, 20, 20, 50
LINES = {"peak": ("resident, all processes", "#1f6fb4", ""), "planned_peak": ("planned", "#c45a1b", "6 4")}
Run = Mapping[str, float]


def draw(runs: Sequence[Run], path: Path) -> None:
    """Resident and planned bytes of runs by their megapixels, up to the limit that they were given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(_lines(runs)))


def _lines(runs: Sequence[Run]) -> Iterator[str]:
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    for tenth in range(0, 21, 5):
        y = _y(tenth * 1e8)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10:g}</text>'
    for run in runs:
        at = f'x="{_x(run, runs):.1f}" y="{HEIGHT - BOTTOM + 20}"'
        yield f'<text {at} text-anchor="middle">{_megapixels(run):.0f}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">megapixels (limit 2 GB)</text>'
    yield f'<text x="16" y="{HEIGHT / 2}" transform="rotate(-90 16 {HEIGHT / 2})" text-anchor="middle">GB</text>'
    for number, (key, (label, colour, dashes)) in enumerate(LINES.items()):
        points = [(_x(run, runs), _y(run[key])) for run in runs]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in points)
        yield f'<text x="{LEFT + 20}" y="{HEIGHT - BOTTOM - 34 + 18 * number}" fill="{colour}">{label}</text>'
    yield "</svg>"


def _megapixels(run: Run) -> float:
    return run["side"] ** 2 / 1e6


def _x(run: Run, runs: Sequence[Run]) -> float:
    low, high, here = (math.log(_megapixels(r)) for r in (runs[0], runs[-1], run))
    share = (here - low) / (high - low) if high > low else 0.5
    return LEFT + 40 + share * (WIDTH - LEFT - RIGHT - 80)


def _y(size: float) -> float:
    return HEIGHT - BOTTOM - size / 2.1e9 * (HEIGHT - TOP - BOTTOM)
