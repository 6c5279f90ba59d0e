"""A whole comparison: set and methods by name, every row, and the report's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.layouts import parse_dataset
from hdmatt_core.evaluation.layouts.alphamatting import write_submission
from hdmatt_core.evaluation.methods import Method, parse_methods
from hdmatt_core.evaluation.page import write_page
from hdmatt_core.evaluation.runner import Listener, Row, check, evaluate
from hdmatt_core.evaluation.sample import Dataset
from hdmatt_core.evaluation.summary import Summary, summarise
from hdmatt_core.evaluation.table import as_csv, as_json, record


@dataclass(frozen=True)
class Comparison:
    """What was found, and where the page with pictures is; ``first`` is the method that others are compared to."""

    summary: Summary
    rows: tuple[Row, ...]
    first: str
    json: str
    csv: str
    page: Path


def compare(
    dataset: str,
    pipelines: Sequence[str],
    out: Path,
    *,
    memory: int | None = None,
    overwrite: bool = False,
    listener: Listener = lambda row: None,
) -> Comparison:
    """Run methods on a set and write ``out``/report.json, rows.csv and index.html; UserError before any work if a
    name is wrong or a file of the set is missing."""
    if not pipelines:
        raise UserError("--dataset needs at least one method: add --pipeline hdmatt")
    methods = parse_methods(pipelines)
    found = parse_dataset(dataset, out / "composed")
    check(found)
    out.mkdir(parents=True, exist_ok=True)
    rows = evaluate(found, methods, out, memory=memory, overwrite=overwrite, listener=listener)
    summary = summarise(rows, [method.label for method in methods])
    json, csv = as_json(found, rows, summary), as_csv([record(row) for row in rows])
    (out / "report.json").write_text(json, encoding="utf-8")
    (out / "rows.csv").write_text(csv, encoding="utf-8")
    if dataset.startswith("alphamatting:"):
        _submissions(found, methods, rows, out)
    page = write_page(out / "index.html", found, rows, summary)
    return Comparison(summary, tuple(rows), methods[0].label, json, csv, page)


def _submissions(dataset: Dataset, methods: Sequence[Method], rows: Sequence[Row], out: Path) -> None:
    """``submission-METHOD.zip`` for each method that matted all the test pictures."""
    tests = [sample.name for sample in dataset.samples if sample.truth is None]
    for method in methods:
        mattes = {r.sample.name: r.alpha for r in rows if r.method == method.label and not r.error}
        if tests and all(name in mattes for name in tests):
            write_submission(out / f"submission-{method.slug}.zip", {name: mattes[name] for name in tests})
