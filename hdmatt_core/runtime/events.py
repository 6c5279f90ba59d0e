"""What happens in a run, as small records: for progress bars, for ``events.jsonl``, for anybody who listens."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args


@dataclass(frozen=True)
class Planned:
    """The plan is made and kept to."""

    peak_bytes: int
    disk_bytes: int
    queries: int
    candidates: int


@dataclass(frozen=True)
class Waiting:
    """A cluster has no workers yet."""

    scheduler: str
    seconds: float  # until the run gives up


@dataclass(frozen=True)
class Crew:
    """Who computes, at the beginning: workers may come and go."""

    workers: int
    threads: int
    dashboard: str  # dask's status page, empty where there is none


@dataclass(frozen=True)
class PassStarted:
    """A pass begins: blocks to do, blocks found done by an earlier run, and tiles to do."""

    name: str
    blocks: int
    done: int
    tiles: int


@dataclass(frozen=True)
class BlockDone:
    """One block is made and stored."""

    name: str
    block: int
    tiles: int
    again: int  # tiles of which in-between rows were made again, because no living process had kept them
    began: float  # seconds since the epoch, by the worker's clock
    reading: float  # seconds, as the following
    computing: float
    writing: float
    worker: str  # host, process and thread
    same: int = 0  # tiles of the block that an edit does not concern: they stay as they are

    @property
    def seconds(self) -> float:
        """From the first read to the last write."""
        return self.reading + self.computing + self.writing


@dataclass(frozen=True)
class BlockKept:
    """A block of an updated run was looked at: nothing that it is made from has changed, and it stays as it is."""

    name: str
    block: int
    tiles: int


@dataclass(frozen=True)
class Updated:
    """What an update made again of one pass, in tiles, or in blocks where it works on pixels."""

    name: str
    made: int
    of: int
    unit: Literal["tiles", "blocks"]
    again: int  # of the tiles made, those for which stages of earlier passes were run once more
    through: str  # these stages


@dataclass(frozen=True)
class Memory:
    """The most that the run's processes on this machine have held together since the last such event."""

    resident_bytes: int


@dataclass(frozen=True)
class OutputWritten:
    """An output file is complete under its final name."""

    name: str
    path: str


@dataclass(frozen=True)
class Finished:
    """The run is complete."""

    seconds: float


Event = Planned | Waiting | Crew | PassStarted | BlockDone | BlockKept | Updated | Memory | OutputWritten | Finished
Listener = Callable[[Event], None]


def unheard(event: Event) -> None:
    """The listener that does nothing."""


class EventLog:
    """Appends every event to a file of JSON lines; a line that a crash or a full disk cut short is taken away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists():
            with path.open("rb+") as file:
                file.truncate(file.read().rfind(b"\n") + 1)

    def __call__(self, event: Event) -> None:
        record = {"time": round(time.time(), 3), "event": type(event).__name__, **dataclasses.asdict(event)}
        with self._path.open("a") as file:
            file.write(json.dumps(record) + "\n")


def recorded(path: Path) -> Iterator[tuple[float, Event]]:
    """The events in a file that :class:`EventLog` wrote, each with its time in seconds since the epoch."""
    kinds = {kind.__name__: kind for kind in get_args(Event)}
    with path.open() as file:
        for line in file:
            record = json.loads(line)
            when, kind = record.pop("time"), kinds[record.pop("event")]
            yield when, kind(**record)
