"""The figure of an explanation: the picture with query and contexts, and the attention maps over each context.

Columns are the query and its contexts, rows the patches themselves and the maps U-U, U-F and U-B.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from hdmatt_core.evaluation.explain import Explanation, Patch
from hdmatt_core.evaluation.explain_numbers import Looked, looked
from hdmatt_core.evaluation.panels import (
    GROUND,
    PANEL,
    blank,
    contour,
    font,
    framed,
    grey,
    heated,
    marked,
    outlined,
    panel,
    tagged,
)
from hdmatt_core.geometry import Box

GAP, STRIP = 8, 34
TALLEST = 760
"""The tallest that the picture of the whole is drawn, px."""
LEAST, MOST = 3, 7
"""Columns of contexts that are drawn; of more contexts there are numbers alone."""
QUERY = (255, 214, 10)
CONTEXTS = (
    (0, 190, 255),
    (255, 80, 170),
    (130, 225, 60),
    (255, 140, 0),
    (170, 120, 255),
    (0, 220, 180),
    (240, 240, 240),
)
DIFFERENCE = 4
"""How much the difference of the two mattes is amplified."""

Row = tuple[str, Looked | None, list[Image.Image]]


def figure(told: Explanation, mean: bool = False) -> Image.Image:
    """The whole figure; maps are of the position asked about, or with ``mean`` over the patch's unknown positions."""
    columns = 1 + max(LEAST, len(_drawn(told)))
    width = columns * (PANEL + GAP) + GAP
    whole, rows = _whole(told, width - 2 * GAP), list(_rows(told, mean))
    sheet = Image.new("RGB", (width, whole.height + 2 * GAP + len(rows) * (PANEL + GAP + STRIP)), GROUND)
    sheet.paste(whole, ((width - whole.width) // 2, GAP))
    for number, row in enumerate(rows):
        _draw_row(sheet, whole.height + 2 * GAP + number * (PANEL + GAP + STRIP), row)
    return sheet


def _draw_row(sheet: Image.Image, top: int, row: Row) -> None:
    title, region, panels = row
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP + 2, top + 7), title, font=font(18), fill=(235, 235, 235))
    if region is not None and region.positions:
        left = GAP + 14 + round(draw.textlength(title, font=font(18)))
        colour = tuple(round(255 * min(1.0, c)) for c in region.colour)
        draw.rectangle((left, top + 6, left + 60, top + STRIP - 7), fill=colour, outline=(235, 235, 235))
    for column, drawn in enumerate(panels):
        sheet.paste(drawn, (GAP + column * (PANEL + GAP), top + STRIP))


def _rows(told: Explanation, mean: bool) -> Iterator[Row]:
    """Title, region and panels of each row, the query's panel first."""
    whose = "unknown positions look, on average" if mean or told.position is None else "the marked position looks"
    yield f"the query, and the contexts chosen for it. Below: where {whose} (bright: most)", None, _patches(told)
    y, x = told.inside
    one, two = told.alphas
    left = [
        tagged(grey(one), f"alpha with contexts, {one[y, x]:.2f} here"),
        tagged(grey(two), f"alpha without, {two[y, x]:.2f} here"),
        tagged(grey(np.abs(one - two) * DIFFERENCE), f"difference x {DIFFERENCE}"),
    ]
    regions = [looked(told, name, mean) for name in told.weights]
    for number in range(max(len(left), len(regions))):
        first = left[number] if number < len(left) else blank()
        if number < len(regions):
            yield regions[number].sentence(), regions[number], [first, *_maps(told, regions[number])]
        else:
            yield "", None, [first]


def _patches(told: Explanation) -> list[Image.Image]:
    asked = contour(panel(told.query.rgb), told.query.trimap == 128)
    y, x = (round(i * PANEL / len(told.query.rgb)) for i in told.inside)
    clear = 9 if y > PANEL // 2 else PANEL - 30  # the label does not hide the cross
    first = tagged(framed(marked(asked, y, x, QUERY), QUERY), f"query, y={told.at[0]} x={told.at[1]}", clear)
    contexts = [_context(rank, patch, told.scores[rank]) for rank, patch in enumerate(told.contexts[:MOST])]
    itself = [tagged(framed(contour(panel(told.query.rgb), told.query.trimap == 128), QUERY), "the query itself")]
    return [first, *contexts, *(itself if told.own else [])]


def _drawn(told: Explanation) -> list[int]:
    """Which of the patches it looks at have a column: the best contexts, and itself."""
    contexts = list(range(min(MOST, len(told.contexts))))
    return [*contexts, len(told.contexts)] if told.own else contexts


def _context(rank: int, patch: Patch, score: float) -> Image.Image:
    seen = contour(panel(patch.rgb), patch.trimap == 128)
    return tagged(framed(seen, CONTEXTS[rank]), f"{rank + 1}: score {score:.3g}")


def _maps(told: Explanation, region: Looked) -> list[Image.Image]:
    peak = max(region.heaviest, 1e-12)
    return [
        tagged(heated(told.seen[n].rgb, region.map[n] / peak, region.mask[n]), f"{100 * region.shares[n]:.0f} %")
        for n in _drawn(told)
    ]


def _whole(told: Explanation, widest: int) -> Image.Image:
    """The picture with the outlines of query and contexts, joined by lines."""
    picture = Image.fromarray(told.overview)
    scale = min(widest / picture.width, TALLEST / picture.height)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    query = _scaled(told.query.box.within(told.shape), scale / told.factor)
    contexts = enumerate(told.contexts[:MOST])
    boxes = {rank: _scaled(patch.box.within(told.shape), scale / told.factor) for rank, patch in contexts}
    for rank, box in boxes.items():
        ImageDraw.Draw(picture).line((*_middle(query), *_middle(box)), fill=CONTEXTS[rank], width=2)
    for rank, box in reversed(boxes.items()):
        outlined(picture, box, CONTEXTS[rank])
        tagged(picture, str(rank + 1), box.start[0] + 9, box.start[1] + 10, CONTEXTS[rank])
    outlined(picture, query, QUERY)
    return picture


def _scaled(box: Box, scale: float) -> Box:
    (top, left), (bottom, right) = (tuple(round(i * scale) for i in side) for side in (box.start, box.stop))
    return Box((top, left), (max(bottom, top + 6), max(right, left + 6)))  # seen in a picture of any size


def _middle(box: Box) -> tuple[int, int]:
    y, x = ((a + b) // 2 for a, b in zip(box.start, box.stop, strict=True))
    return x, y
