"""Counting what an update made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hdmatt_core.pipeline.reach import touching
from hdmatt_core.runtime.events import BlockDone, Event, Updated
from hdmatt_core.runtime.workspace import Workspace


class Tally:
    """A listener that adds up what was made, of every pass."""

    def __init__(self) -> None:
        self._blocks, self._tiles, self._again = Counter[str](), Counter[str](), Counter[str]()

    def __call__(self, event: Event) -> None:
        if isinstance(event, BlockDone):
            self._blocks[event.name] += 1
            self._tiles[event.name] += event.tiles
            self._again[event.name] += event.again

    def told(self, space: Workspace) -> Iterator[Updated]:
        """What was made of each pass, and how much there is of it; the counting of tiles itself left out."""
        plan = space.job.plan
        for index, work in enumerate(plan.passes):
            if index in plan.survey:
                continue
            if work.over == "tiles":
                of, through = int(space.slots(work).sum()), ", ".join(step.node for step in work.replay)
                yield Updated(work.name, self._tiles[work.name], of, "tiles", self._again[work.name], through)
            else:
                of = len(touching(space.blocks(index), space.part(work)))
                yield Updated(work.name, self._blocks[work.name], of, "blocks", 0, "")
