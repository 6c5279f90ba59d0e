"""What a person sees of a run: bars with tiles, rate and time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

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
