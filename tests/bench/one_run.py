"""One run in a process of its own; prints as JSON what it took at every step. Called by :mod:`watched`."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hdmatt_core.runtime.events import BlockDone, Event
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run


class Marks:
    """Processor seconds of this process in every step, tiles and blocks of each pass, and what the receipts tell."""

    def __init__(self) -> None:
        self.shares: dict[str, Counter[str]] = {}
        self.spans: dict[str, tuple[float, float]] = {}
        self.workers: set[str] = set()
        self.spent: dict[str, float] = {"start Python and hdmatt": time.process_time()}
        self.tiles: Counter[str] = Counter()
        self.blocks: Counter[str] = Counter()
        self._step, self._since, self._left = "plan: count the tiles", time.process_time(), 0

    def __call__(self, event: Event) -> None:
        record = asdict(event)
        if isinstance(event, BlockDone):
            self._receipt(event)
        match type(event).__name__:
            case "Planned":
                self._next("start the workers")
            case "PassStarted":
                self._next(f"pass {record['name']}")
                self._left = record["blocks"]
            case "BlockDone":
                self.tiles[record["name"]] += record["tiles"]
                self.blocks[record["name"]] += 1
                self._left -= 1
                if not self._left:  # before another pass begins this is no time at all
                    self._next("write the output")
            case "Finished":
                self._next("end")

    def _receipt(self, done: BlockDone) -> None:
        share = self.shares.setdefault(done.name, Counter())
        for what in ("reading", "computing", "writing", "again"):
            share[what] += getattr(done, what)
        first, last = self.spans.get(done.name, (done.began, 0.0))
        self.spans[done.name] = min(first, done.began), max(last, done.began + done.seconds)
        self.workers.add(done.worker)

    def busy(self) -> dict[str, Any]:
        """Of each pass: seconds from its first to its last block, and all threads' for reading, computing, writing."""
        spans = {name: {"span": last - first, **self.shares[name]} for name, (first, last) in self.spans.items()}
        return {"threads": len(self.workers), "passes": spans}

    def _next(self, step: str) -> None:
        now = time.process_time()
        self.spent[self._step] = self.spent.get(self._step, 0.0) + now - self._since
        self._step, self._since = step, now


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    marks, began = Marks(), time.perf_counter()
    request = Request(
        pipeline=asked["pipeline"],
        inputs={"image": Path(asked["image"]), "trimap": Path(asked["trimap"])},
        outputs={"alpha": Path(asked["output"])},
        overrides=tuple(asked.get("settings", ())),
        depth=asked.get("depth"),
        memory=asked.get("memory"),
        workers=asked.get("workers", 0),
        device=asked.get("device", "cpu"),
        dtype=asked["dtype"],
        overwrite=True,
    )
    result = run(request, marks)
    work = result.plan.work
    assert work is not None
    report = {
        "seconds": time.perf_counter() - began,
        "processor": sum(_processor(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)),
        "highest": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
        "spent": marks.spent,
        "tiles": dict(marks.tiles),
        "blocks": dict(marks.blocks),
        "busy": marks.busy(),
        "queries": work.queries,
        "candidates": work.candidates,
        "planned": dict(result.plan.memory),
    }
    print(json.dumps(report))


def _processor(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
