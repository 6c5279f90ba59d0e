"""What was measured as tables, and of every bound whether it is met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from watched import table

from hdmatt_core.pipeline.sizes import format_size

Results = Mapping[str, Mapping[str, Any]]
Figure = Callable[[Results, Sequence[int]], float]


@dataclass(frozen=True)
class Bound:
    """A figure that must be at most, or at least, a limit."""

    what: str
    limit: float
    figure: Figure
    least: bool = False

    def row(self, results: Results, sizes: Sequence[int]) -> tuple[str, str, str, str]:
        limit = f"{'at least' if self.least else 'at most'} {self.limit:g}"
        try:
            value = self.figure(results, sizes)
        except KeyError as missing:
            return self.what, limit, "-", f"not measured ({missing.args[0]})"
        met = value >= self.limit if self.least else value <= self.limit
        return self.what, limit, f"{value:.3f}", "met" if met else "MISSED"


def bounds() -> Iterator[Bound]:
    """The bounds, in the order of the table."""
    yield Bound("resident memory, largest picture to smallest", 1.15, memory_ratio)
    yield Bound("resident memory / planned, of any size", 1.0, worst_plan)
    yield Bound("resident memory / --memory, of any size", 1.0, worst_budget)
    yield Bound("exponent of processor time against unknown tiles, less Python's start", 1.05, exponent)
    yield Bound("largest picture / the network on its unknown tiles alone, processor time", 1.5, beside_unknown)
    yield Bound("one worker / the bare network on the same tiles, on the clock", 1.2, beside_bare)
    yield Bound("two workers, times as fast as one", 1.7, two_to_one, least=True)
    yield Bound("largest picture: share of the threads' time that is computing", 0.8, busy_share, least=True)
    yield Bound("seams: difference where patches meet / inside of them", 1.1, seams_ratio)
    yield Bound("largest picture: error against the truth where patches meet / inside", 1.1, meeting_error)
    yield Bound("far from everything known: MSE with the whole image / own neighbourhood", 1.0, context_ratio)


def lines(results: Results, sizes: Sequence[int]) -> Iterator[str]:
    """The whole report as Markdown."""
    yield "\n" + table(("bound", "wanted", "measured", ""), [bound.row(results, sizes) for bound in bounds()])
    runs = [results[f"size-{side}"] for side in sizes if f"size-{side}" in results]
    if runs:
        yield from _sizes(runs, results)
    for title, part, rows in (
        ("Workers", "workers-2", _workers), ("Choice table", "choice", _choice), ("Context", "context", _context)
    ):  # fmt: skip
        if part in results:
            yield f"\n{title}\n\n{rows(results)}"
    if "parts" in results:
        took = [(name, part["end"], f"{part['seconds']:.0f}") for name, part in results["parts"].items()]
        total = sum(part["seconds"] for part in results["parts"].values())
        yield f"\nParts, {total / 60:.1f} minutes in all\n\n{table(('part', 'end', 's'), took)}"


def memory_ratio(results: Results, sizes: Sequence[int]) -> float:
    return float(results[f"size-{sizes[-1]}"]["peak"] / results[f"size-{sizes[0]}"]["peak"])


def worst_plan(results: Results, sizes: Sequence[int]) -> float:
    return max(run["peak"] / run["planned_peak"] for run in _runs(results, sizes))


def worst_budget(results: Results, sizes: Sequence[int]) -> float:
    return max(run["peak"] / run["memory"] for run in _runs(results, sizes))


def exponent(results: Results, sizes: Sequence[int]) -> float:
    runs = _runs(results, sizes)
    tiles = np.log([run["queries"] for run in runs])
    growing = np.log([run["processor"] - run["spent"]["start Python and hdmatt"] for run in runs])
    return float(np.polyfit(tiles, growing, 1)[0])


def beside_unknown(results: Results, sizes: Sequence[int]) -> float:
    """Two threads work on the picture; so the network's time is that of a process that has another beside it."""
    run, bare = results[f"size-{sizes[-1]}"], results["bare"]["together"]
    return float(run["processor"] / (bare["unknown"][1] * run["queries"]))


def beside_bare(results: Results, sizes: Sequence[int]) -> float:
    run, bare = results["workers-1"], results["bare"]["alone"]
    alone = bare["unknown"][0] * run["queries"] + bare["known"][0] * (run["candidates"] - run["queries"])
    return float(run["seconds"] / alone)


def two_to_one(results: Results, sizes: Sequence[int]) -> float:
    return float(results["workers-1"]["seconds"] / results["workers-2"]["seconds"])


def busy_share(results: Results, sizes: Sequence[int]) -> float:
    """While the network's passes go on: blending computes next to nothing."""
    return _share(results[f"size-{sizes[-1]}"], "computing")


def seams_ratio(results: Results, sizes: Sequence[int]) -> float:
    return float(results["seams"]["borders"] / results["seams"]["interiors"])


def meeting_error(results: Results, sizes: Sequence[int]) -> float:
    return float(results[f"size-{sizes[-1]}"]["error"]["meet"])


def context_ratio(results: Results, sizes: Sequence[int]) -> float:
    ways = results["context"]["ways"]
    whole, own = (next(way["far"][1] for name, way in ways.items() if part in name) for part in ("whole", "own"))
    return float(whole / own)


def _runs(results: Results, sizes: Sequence[int]) -> list[Mapping[str, Any]]:
    return [results[f"size-{side}"] for side in sizes]


def _share(run: Mapping[str, Any], what: str) -> float:
    passes = {name: work for name, work in run["busy"]["passes"].items() if name != "blend"}
    return float(
        sum(p[what] for p in passes.values()) / sum(p["span"] for p in passes.values()) / run["busy"]["threads"]
    )


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
        "computing, share of the threads' time": lambda run: f"{_share(run, 'computing'):.0%}",
        "mean error of unknown pixels": lambda run: f"{run['error']['mean']:.4f}",
        "its least and greatest on any line of the grid of patches, of the mean": lambda run: (
            f"{run['error']['least line']:.3f}, {run['error']['greatest line']:.3f}"
        ),
    }
    yield "\n" + table(("", *heads), [(name, *map(figure, runs)) for name, figure in figures.items()])
    steps = dict.fromkeys(step for run in runs for step in run["spent"])
    spent = [(step, *(f"{run['spent'].get(step, 0):.1f}" for run in runs)) for step in steps]
    yield "\nSeconds of processors by step\n\n" + table(("step", *heads), spent)
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
            shares = (f"{_share(run, what):.0%}" for what in ("reading", "computing", "writing"))
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
