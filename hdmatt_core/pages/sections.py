"""The sections of a run's page: pictures, tiles by state, passes with their rates, memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
from PIL import Image

from hdmatt_core.pages import chart, html
from hdmatt_core.pages.pictures import factor_for, pictures
from hdmatt_core.pages.record import PassRecord, Record
from hdmatt_core.pages.reduced import Bytes
from hdmatt_core.pages.tiles import COLOURS, MEANING, State, states, tile_map
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.pipeline.sizes import format_size
from hdmatt_core.runtime.workspace import Workspace
from hdmatt_core.storage.store import RunStore

QUALITY = 82
"""Of the pictures, which are compressed with losses."""
WORK = {"reading": "#4285f4", "computing": "#34a853", "writing": "#f5911e"}
PASSES = ("pass", "blocks", "tiles", "made again", "seconds", "a second", "seconds of all threads")
FLAT = 3
"""How many times the promise a budget may be and still be drawn: beyond it the curve would lie on the ground."""


def seen(space: Workspace, store: RunStore) -> Iterator[str]:
    """The pictures, and the map of tiles over one of them."""
    small = [*pictures(space, store)]
    yield "<h2>Pictures</h2>"
    yield html.figures({caption: _uri(pixels) for caption, pixels in small}, "pictures")
    there = {caption.partition(",")[0] for caption, _ in small}
    missing = [name for name in space.job.graph.outputs if name not in there]
    if missing:
        yield f"<p>Nothing is there yet of: {escape(', '.join(missing))}.</p>"
    yield from _tiles(space, store, [pixels for _, pixels in small])


def _tiles(space: Workspace, store: RunStore, small: Sequence[Bytes]) -> Iterator[str]:
    found = states(space, store)
    if found is None:
        return
    grid, states_ = found
    factor, counts = factor_for(grid.shape), np.bincount(states_.ravel(), minlength=len(State))
    sides = tuple(max(1, side // factor) for side in grid.shape)
    under = next((pixels for pixels in small if pixels.shape[:2] == sides), None)
    drawn = "" if under is None else html.figures({"": _uri(tile_map(grid, states_, under, factor))}, "map")
    rows = (
        f"<tr><td>{chart.keys({MEANING[state]: f'rgb{COLOURS[state]}'})}</td><td>{counts[state]}</td>"
        f"<td>{counts[state] / states_.size:.1%}</td></tr>"
        for state in State
        if counts[state] or state is not State.OUTSIDE
    )
    total = f"<tr><td>in all</td><td>{states_.size}</td><td></td></tr>"
    yield f'<h2>Tiles</h2><div class="beside">{drawn}<table>{"".join(rows)}{total}</table></div>'


def worked(plan: Plan, record: Record) -> Iterator[str]:
    """The passes in a table, and the rate of each over its time."""
    names = [work.name for index, work in enumerate(plan.passes) if index not in plan.survey]
    head = "".join(f"<th>{escape(word)}</th>" for word in PASSES)
    rows = "".join(_pass(name, record.passes.get(name, PassRecord())) for name in names)
    yield f'<h2>Passes</h2><div class="scroll"><table><tr>{head}</tr>{rows}</table></div><p>{chart.keys(WORK)}</p>'
    yield '<h2>Rate over time</h2><div class="charts">'
    for name, made in record.passes.items():
        if made.done:
            rates = made.rates()
            most = max(rate for *_, rate in rates)
            said = f"{name}: {made.rate:.3g} {made.unit} a second, {most:.3g} at most"
            yield chart.steps(rates, said, f"{made.seconds:.1f} s", {})
    yield "</div>"


def _pass(name: str, made: PassRecord) -> str:
    if not made.blocks:
        return f"<tr><td>{escape(name)}</td><td>not begun</td>{'<td></td>' * (len(PASSES) - 2)}</tr>"
    again, spent = sum(event.again for _, event in made.done), made.split()
    cells = [
        f"{len(made.done)} of {made.blocks}",
        str(made.tiles or ""),
        str(again or ""),
        f"{made.seconds:.1f}",
        f"{made.rate:.3g} {made.unit}",
    ]
    bar = f'<td class="word">{chart.bar(spent, WORK)} {sum(spent.values()):.1f} s</td>'
    return f"<tr><td>{escape(name)}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}{bar}</tr>"


def held(plan: Plan, record: Record, budget: str) -> Iterator[str]:
    """Resident memory over time against the promise and the budget, which is called ``budget``."""
    resources = plan.resources
    whose = "this process; the cluster's workers do not count" if resources.remote else "all processes of the run"
    levels = {f"promised {format_size(plan.peak)}": plan.peak}
    if resources.budget <= FLAT * plan.peak:
        levels[f"{budget} {format_size(resources.budget)}"] = resources.budget
    said = f"{format_size(record.peak)} at most, {record.peak / plan.peak:.0%} of what was promised"
    yield f"<h2>Memory</h2><p>Resident in {whose}.</p>"
    yield chart.steps(record.memory_spans(), said, f"{record.seconds:.1f} s", levels)
    parts = [[name, format_size(size)] for name, size in plan.memory.items() if size]
    promised = ["promised", format_size(plan.peak)]
    yield html.table([["planned", ""], *parts, promised, [budget, format_size(resources.budget)]])


def _uri(pixels: Bytes) -> str:
    return html.uri(Image.fromarray(np.ascontiguousarray(pixels)), QUALITY)
