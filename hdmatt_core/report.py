"""What a person sees of a run: the plan in a few lines, and bars with tiles, rate and time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.pipeline.sizes import format_size
from hdmatt_core.progress_lines import Lines, crew, updated
from hdmatt_core.runtime.events import (
    BlockDone,
    BlockKept,
    Crew,
    Event,
    Listener,
    OutputWritten,
    PassStarted,
    Planned,
    Updated,
    Waiting,
    unheard,
)
from hdmatt_core.runtime.region import text_of


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
    grid = next((p.grid for p in plan.passes if p.grid), None)
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
        again = [step.node for step in work.replay] if plan.resources.remote and plan.kept_share < 1 else []
        rests = [f"{ref} {_where(plan, ref)}" for ref in (*work.stored, *work.transient)]
        repeated = f" (after {', '.join(again)} again)" if again else ""
        yield f"pass {number} {work.name}{repeated}: {len(work.blocks())} blocks; {', '.join(rests) or 'nothing rests'}"


def _where(plan: Plan, ref: Ref) -> str:
    if plan.places[ref] == "disk":
        return "on disk"
    if plan.resources.remote:
        return "in the workers' memory, as far as it goes"
    return "in memory" if plan.kept_share == 1 else f"in memory for {plan.kept_share:.0%}, in files for the rest"


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


class _RateColumn(TextColumn):
    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: object) -> Text:
        speed = getattr(task, "finished_speed", None) or getattr(task, "speed", None)
        return Text(f"{speed:.1f}/s" if speed else "", style="dim")


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Listener]:
    """A listener that draws one bar per pass on a terminal, and writes a line now and then elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield unheard if quiet else Lines(sys.stderr)
        return
    bars = Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        _RateColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bars:
        yield _Bars(bars)


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, tuple[TaskID, Callable[[BlockDone | BlockKept], int]]] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case Planned():
                self._bars.console.print(
                    f"{event.queries} tiles to matte, {event.candidates} to encode; "
                    f"at most {format_size(event.peak_bytes)} of memory"
                )
            case Waiting():
                self._bars.console.print(f"waiting for workers at {event.scheduler}")
            case Crew(workers, threads, dashboard) if dashboard:
                self._bars.console.print(crew(workers, threads, dashboard))
            case PassStarted():
                self._start(event)
            case BlockDone() | BlockKept():
                task, amount = self._tasks[event.name]
                self._bars.advance(task, amount(event))
            case Updated():
                self._bars.console.print(updated(event))
            case OutputWritten():
                self._bars.console.print(f"wrote {event.path}")

    def _start(self, event: PassStarted) -> None:
        by_tiles = event.tiles > 0
        task = self._bars.add_task(
            event.name, total=event.tiles if by_tiles else event.blocks, unit="tiles" if by_tiles else "blocks"
        )
        self._tasks[event.name] = (task, _tiles_of if by_tiles else (lambda done: 1))


def _tiles_of(event: BlockDone | BlockKept) -> int:
    return event.tiles if isinstance(event, BlockKept) else event.tiles + event.same
