"""Everything that was measured, as Markdown: the bounds first, then what stands behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from verdicts import Results, bounds, share
from watched import table

from hdmatt_core.pipeline.sizes import format_size


def lines(results: Results, sizes: Sequence[int]) -> Iterator[str]:
    """The whole report as Markdown."""
    yield "\n" + table(("bound", "wanted", "measured", ""), [bound.row(results, sizes) for bound in bounds()])
    runs = [results[f"size-{side}"] for side in sizes if f"size-{side}" in results]
    if runs:
        yield from _sizes(runs, results)
    for title, part, rows in (
        ("Workers", "workers-2", _workers), ("Choice table", "choice", _choice), ("Context", "context", _context),
        ("Profile of one thread", "profiled", _profile),
    ):  # fmt: skip
        if part in results:
            yield f"\n{title}\n\n{rows(results)}"
    if "parts" in results:
        took = [(name, part["end"], f"{part['seconds']:.0f}") for name, part in results["parts"].items()]
        total = sum(part["seconds"] for part in results["parts"].values())
        yield f"\nParts, {total / 60:.1f} minutes in all\n\n{table(('part', 'end', 's'), took)}"


def _sizes(runs: Sequence[Mapping[str, Any]], results: Results) -> Iterator[str]:
    heads = [f"{run['side'] ** 2 / 1e6:.0f} MP" for run in runs]
    figures: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "resident": lambda run: format_size(run["peak"]),
        "planned": lambda run: format_size(run["planned_peak"]),
        "tiles with unknown pixels": lambda run: str(run["queries"]),
        "tiles encoded": lambda run: str(run["candidates"]),
        "tiles decoded": lambda run: str(run["decoded"]),
        "seconds on the clock": lambda run: f"{run['seconds']:.0f}",
        "seconds of processors": lambda run: f"{run['processor']:.1f}",
        "computing, share of the threads' time": lambda run: f"{share(run, 'computing'):.0%}",
        "mean error of unknown pixels": lambda run: f"{run['error']['mean']:.4f}",
        "its least and greatest on any line of the grid of patches, of the mean": lambda run: (
            f"{run['error']['least line']:.3f}, {run['error']['greatest line']:.3f}"
        ),
    }
    yield "\n" + table(("", *heads), [(name, *map(figure, runs)) for name, figure in figures.items()])
    steps = dict.fromkeys(step for run in runs for step in run["spent"])
    each = {step: 1e3 * took / runs[-1]["queries"] for step, took in runs[-1]["spent"].items()}
    spent = [
        (step, *(f"{run['spent'].get(step, 0):.1f}" for run in runs), f"{each.get(step, 0):.1f}") for step in steps
    ]
    heading = ("step", *heads, f"ms for each unknown tile, {heads[-1]}")
    yield "\nSeconds of processors by step\n\n" + table(heading, spent)
    kinds = runs[-1]["shards"]
    shards = [
        (kind, *(f"{run['shards'][kind][0]} ({format_size(run['shards'][kind][1])})" for run in runs)) for kind in kinds
    ]
    yield "\nShards of the output, and what they take on disk\n\n" + table(("", *heads), shards)
    for before, after in pairwise(runs):
        slope = np.log(after["processor"] / before["processor"]) / np.log(after["queries"] / before["queries"])
        yield f"\nexponent from {before['side']} to {after['side']} px, everything counted: {slope:.3f}"
    if "bare" in results:
        named = ((f"{sort}, {how}", *(f"{s * 1e3:.0f}" for s in results["bare"][how][sort]))
                 for how in ("alone", "together") for sort in ("unknown", "known"))  # fmt: skip
        yield "\nThe network on one tile\n\n" + table(("tile", "ms", "ms of a processor"), list(named))


def _workers(results: Results) -> str:
    rows = []
    for count in (1, 2):
        if (run := results.get(f"workers-{count}")) is not None:
            span = sum(work["span"] for work in run["busy"]["passes"].values())
            shares = (f"{share(run, what):.0%}" for what in ("reading", "computing", "writing"))
            rows.append((count, f"{run['seconds']:.1f}", f"{span:.1f}", f"{run['processor']:.1f}", *shares))
    bare = results.get("bare")
    beside = ""
    if bare:
        together, alone = (bare[how]["unknown"][0] for how in ("together", "alone"))
        beside = f"\n\ntwo bare networks side by side: {2 * alone / together:.2f} times as fast as one"
    return table(("workers", "s", "s of blocks", "s of processors", "reads", "computes", "writes"), rows) + beside


def _choice(results: Results) -> str:
    columns = ("gigapixels", "tiles", "queries", "processor s", "us a query", "descriptors MB", "more resident MB")
    return table(columns, results["choice"]["rows"])


def _context(results: Results) -> str:
    ways = results["context"]["ways"]
    rows = [
        (name, *(f"{value:.4g}" for where in ("far", "unknown") for value in way[where])) for name, way in ways.items()
    ]
    return table(("context", "far: SAD", "far: MSE", "unknown: SAD", "unknown: MSE"), rows)


def _profile(results: Results) -> str:
    return table(("s of itself", "calls", "function"), results["profiled"]["rows"])
