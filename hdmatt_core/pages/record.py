"""What the events of a run add up to: passes with their rates, memory over time; of all its stretches together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from hdmatt_core.runtime.events import BlockDone, Crew, Event, Finished, Memory, PassStarted, Planned

BINS = 60
"""Steps of a curve at the most; each is of three blocks or more, where there are so many."""

Span = tuple[float, float, float]
"""A value that holds for a while: from, until, value."""


@dataclass
class PassRecord:
    """One pass: its blocks as they came back, by seconds of work on this pass."""

    blocks: int = 0  # in all
    by_tiles: bool = False
    seconds: float = 0.0
    done: list[tuple[float, BlockDone]] = field(default_factory=list)
    _since: float = 0.0

    def start(self, event: PassStarted, at: float) -> None:
        self._since = at - self.seconds
        self.blocks, self.by_tiles = event.blocks + event.done, self.by_tiles or event.tiles > 0

    def add(self, event: BlockDone, at: float) -> None:
        self.seconds = at - self._since
        self.done.append((self.seconds, event))

    @property
    def tiles(self) -> int:
        return sum(event.tiles for _, event in self.done)

    @property
    def unit(self) -> str:
        return "tiles" if self.by_tiles else "blocks"

    @property
    def rate(self) -> float:
        """Tiles or blocks per second, on the whole."""
        return sum(self._amounts()) / self.seconds if self.seconds else 0.0

    def rates(self) -> list[Span]:
        """Tiles or blocks per second over the seconds of the pass."""
        steps, spent = min(BINS, max(1, len(self.done) // 3)), max(self.seconds, 1e-3)
        amounts, edges = np.histogram([at for at, _ in self.done], steps, (0.0, spent), weights=self._amounts())
        values = amounts * steps / spent
        return list(zip(edges[:-1].tolist(), edges[1:].tolist(), values.tolist(), strict=True))

    def split(self) -> dict[str, float]:
        """Seconds of all workers together, by what they went into."""
        parts = ("reading", "computing", "writing")
        return {part: sum(getattr(event, part) for _, event in self.done) for part in parts}

    def _amounts(self) -> list[int]:
        return [event.tiles if self.by_tiles else 1 for _, event in self.done]


class Record:
    """A run as its events tell it, from the plan on; time between two stretches of work does not count."""

    def __init__(self, events: Iterable[tuple[float, Event]]) -> None:
        self.stretches, self.seconds, self.finished = 0, 0.0, False
        self.began = self.ended = 0.0  # seconds since the epoch
        self.crew: Crew | None = None
        self.passes: dict[str, PassRecord] = {}
        self.memory: list[tuple[float, int]] = []  # seconds of work, bytes
        self._since = 0.0
        for when, event in events:
            self._take(when, event)

    def _take(self, when: float, event: Event) -> None:
        if isinstance(event, Planned):
            self.stretches += 1
            self.finished, self._since = False, when - self.seconds
        self.began, self.ended = self.began or when, when
        self.seconds = when - self._since
        match event:
            case Crew():
                self.crew = event
            case PassStarted():
                self.passes.setdefault(event.name, PassRecord()).start(event, self.seconds)
            case BlockDone():
                self.passes[event.name].add(event, self.seconds)
            case Memory():
                self.memory.append((self.seconds, event.resident_bytes))
            case Finished():
                self.finished = True

    @property
    def peak(self) -> int:
        """The most bytes that were resident at once."""
        return max((held for _, held in self.memory), default=0)

    def memory_spans(self) -> list[Span]:
        """Each reading is the most since the one before it."""
        times = [0.0, *(at for at, _ in self.memory)]
        return [(a, b, float(held)) for a, b, (_, held) in zip(times, times[1:], self.memory, strict=False)]

    @property
    def processes(self) -> int:
        """How many processes made blocks."""
        return len({e.worker.rpartition("/")[0] for made in self.passes.values() for _, e in made.done})
