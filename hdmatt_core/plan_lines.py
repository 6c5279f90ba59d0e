"""A plan in a few lines, and what it entails: for people, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.pipeline.passes import finest
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.pipeline.sizes import format_size
from hdmatt_core.progress_lines import time_left
from hdmatt_core.runtime.forecast import Forecast
from hdmatt_core.runtime.reading import STORE
from hdmatt_core.runtime.region import text_of


def foretold(forecast: Forecast) -> str:
    """The forecast as lines of text: the plan, what is read, the price of all patches as context, and the time."""
    return "\n".join([describe(forecast.plan), *_reads(forecast), *_context(forecast), *_time(forecast)])


def _reads(forecast: Forecast) -> Iterator[str]:
    named = {name: "the run's store" if name == STORE else name for name in sorted(forecast.reads, reverse=True)}
    parts = [f"{format_size(forecast.reads[name])} of {title}" for name, title in named.items()]
    yield f"read {', '.join(parts)}, decoded"


def _context(forecast: Forecast) -> Iterator[str]:
    work, everybody = forecast.plan.work, forecast.everybody
    if work is None or not work.queries or work.candidates >= everybody:
        return
    more = ""
    if forecast.seconds:
        more = f", {time_left(forecast.encoding * (everybody / work.candidates - 1))} more at most"
    yield (
        f"context from {work.candidates - work.queries} known tiles; with all of them as candidates (pool.all) "
        f"{everybody / work.candidates:.1f} times as many tiles would be encoded{more}"
    )


def _time(forecast: Forecast) -> Iterator[str]:
    if forecast.time is not None:
        yield (
            f"time about {time_left(forecast.time)}, an estimate from a block of made-up tiles on "
            f"{forecast.device}; writing the outputs comes on top"
        )


def describe(plan: Plan) -> str:
    """The plan as lines of text: inputs, tiles, passes, memory and disk."""
    return "\n".join([*_inputs(plan), *_tiles(plan), *_passes(plan), *_budget(plan)])


def _inputs(plan: Plan) -> Iterator[str]:
    how = {"windows": "read by windows", "decoded": "decoded once", "streamed": "streamed into the run's store"}
    for name, planned in plan.inputs.items():
        height, width = planned.spec.shape[:2]
        read = "reduced into the run's store" if planned.reduced_from else how[planned.reading]
        yield f"input {name:<10} {width} x {height}  {planned.spec.dtype}  {read}"


def _tiles(plan: Plan) -> Iterator[str]:
    grid = finest(plan.passes)
    if plan.work is None or grid is None:
        return
    rows, cols = grid.counts
    unknown = plan.work.queries + plan.work.outside
    yield (
        f"tiles {rows * cols}: {unknown} with unknown pixels, {rows * cols - unknown} known and skipped; "
        f"{plan.work.candidates} encoded as queries or context"
    )
    if plan.region is not None:
        yield f"region {text_of(plan.region)}: {plan.work.queries} tiles matted, {plan.work.outside} left out"


def _passes(plan: Plan) -> Iterator[str]:
    for number, work in enumerate(plan.passes, 1):
        again = [step.node for step in work.replay] if plan.resources.remote and not plan.keeps else []
        rests = [f"{ref} {_where(plan, ref)}" for ref in (*work.stored, *work.transient)]
        repeated = f" (after {', '.join(again)} again)" if again else ""
        yield f"pass {number} {work.name}{repeated}: {len(work.blocks())} blocks; {', '.join(rests) or 'nothing rests'}"


def _where(plan: Plan, ref: Ref) -> str:
    if plan.places[ref] == "disk":
        return "on disk"
    if plan.resources.remote:
        return "in the workers' memory, as far as it goes"
    return "in memory" if plan.keeps else "in files"


def _budget(plan: Plan) -> Iterator[str]:
    resources = plan.resources
    where = f"{resources.processes} processes" if resources.processes else f"{resources.threads} threads"
    yield f"memory {format_size(plan.peak)} at most, of {format_size(resources.budget)}; {where}"
    for name, size in plan.memory.items():
        if size:
            yield f"  {name:<20} {format_size(size)}"
    yield f"disk {format_size(plan.disk)} at most, in the run's store"
    if plan.spilled:
        yield f"  and {format_size(plan.spilled)} if they are free; otherwise {_again(plan)} again for every tile"


def _again(plan: Plan) -> str:
    return ", ".join(dict.fromkeys(step.node for work in plan.passes for step in work.replay))
