"""The page of a comparison: tables and pictures in one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from hdmatt_core.evaluation.pictures import strip
from hdmatt_core.evaluation.runner import Row, failed
from hdmatt_core.evaluation.sample import Dataset, Sample
from hdmatt_core.evaluation.summary import Summary
from hdmatt_core.evaluation.table import Table, errors, groups_table, means_table, paired_table
from hdmatt_core.pages import html
from hdmatt_core.registry import Registry

SHOWN = 60
"""Pictures shown at most; of a larger set every so many-th in the order of the first method's SAD."""

_WORDS = ("method", "error", "group", "picture", "why")

_STYLE = """
section { border-top: 1px solid var(--line); padding-top: .5rem; margin-top: 1.5rem }
h3 { margin: .3rem 0 } p { max-width: 60rem }
.strip { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0 }
.strip img { max-width: 200px; image-rendering: pixelated }
"""


def write_page(path: Path, dataset: Dataset, rows: Sequence[Row], summary: Summary) -> Path:
    """Write the page with all tables, and with pictures and error maps of at most ``SHOWN`` pictures."""
    title = f"{dataset.name}: {len(dataset.samples)} pictures, {len(summary.overall)} methods"
    return html.write(path, title, _STYLE, _lines(dataset, rows, summary))


def _lines(dataset: Dataset, rows: Sequence[Row], summary: Summary) -> Iterator[str]:
    first = summary.overall[0].method
    yield "<p>Errors over the unknown pixels: SAD, Grad and Conn in thousands, MSE in thousandths.</p>"
    yield _table(means_table(summary.overall))
    if summary.paired:
        yield f"<h2>Against {escape(first)}, picture by picture</h2>"
        yield "<p>Intervals by bootstrap over pictures; a ratio below 1 and a difference below 0 are better.</p>"
        yield _table(paired_table(summary.paired, first))
    if summary.groups:
        yield "<h2>Groups</h2>"
        yield _table(groups_table(summary))
    gone = [[row.sample.name, row.method, row.error] for row in failed(rows)]
    if gone:
        yield "<h2>Not done</h2>"
        yield _table([["picture", "method", "why"], *gone])
    yield "<h2>Pictures</h2>"
    yield "<p>The whole, and at full size the place where the methods err most. Error maps: red has too much alpha, "
    yield "blue too little; an error of a half is drawn in full colour.</p>"
    yield from _sections(dataset, rows, first)


def _table(table: Table) -> str:
    return html.table(table, _WORDS)


def _sections(dataset: Dataset, rows: Sequence[Row], first: str) -> Iterator[str]:
    registry = Registry.load()
    for sample in _chosen(dataset.samples, rows, first):
        own = [row for row in rows if row.sample.name == sample.name]
        groups = ", ".join(f"{key} {value}" for key, value in sample.groups.items())
        yield f"<section><h3>{escape(sample.name)} <small>{escape(groups)}</small></h3>"
        scored = [[row.method, *errors(row.score), f"{row.seconds:.1f}"] for row in own if row.score]
        if scored:
            yield _table([["method", "SAD", "MSE e-3", "Grad", "Conn", "s"], *scored])
        pictures = strip(sample, {row.method: row.alpha for row in own if not row.error}, registry)
        yield html.figures(pictures.whole, "strip") + html.figures(pictures.detail, "strip") + "</section>"


def _chosen(samples: Sequence[Sample], rows: Sequence[Row], first: str) -> list[Sample]:
    """All of a small set in its order; of a large one a fair choice from the easiest to the hardest."""
    if len(samples) <= SHOWN:
        return list(samples)
    sad = {row.sample.name: row.score.sad for row in rows if row.method == first and row.score}
    ordered = sorted(samples, key=lambda sample: sad.get(sample.name, 0.0))
    return [ordered[i * (len(ordered) - 1) // (SHOWN - 1)] for i in range(SHOWN)]
