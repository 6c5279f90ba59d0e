"""Of every bound of the project whether it is met by what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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
    return share(results[f"size-{sizes[-1]}"], "computing")


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


def share(run: Mapping[str, Any], what: str) -> float:
    """The share of the threads' time, in the passes before blending, that went into ``what``."""
    passes = {name: work for name, work in run["busy"]["passes"].items() if name != "blend"}
    return float(
        sum(p[what] for p in passes.values()) / sum(p["span"] for p in passes.values()) / run["busy"]["threads"]
    )
