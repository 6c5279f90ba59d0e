"""What a worker has to know of a run: a value that travels once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hdmatt_core.geometry import Grid
from hdmatt_core.kinds import Source
from hdmatt_core.pipeline.graph import Graph, Ref
from hdmatt_core.pipeline.passes import Pass
from hdmatt_core.pipeline.plan import Plan


@dataclass(frozen=True)
class Compute:
    """Where and how the network computes; equal settings give equal bits on one kind of machine."""

    weights: Path | None
    sha256: str
    device: str
    dtype: str
    seed: int


@dataclass(frozen=True)
class Job:
    """One run as its workers see it."""

    token: str  # names this run in this process's caches
    graph: Graph
    plan: Plan
    arrays: Path
    sources: Mapping[str, Source]
    compute: Compute

    def home(self, ref: Ref) -> Pass:
        """The pass that makes ``ref``."""
        return next(p for p in self.plan.passes if any(step.node == ref.node for step in p.steps))

    def table(self, kind: str, grid: Grid) -> Ref | None:
        """The table that the pipeline's tiler or pool makes for ``grid``."""
        for node in self.graph.nodes.values():
            ref = Ref(node.name, next(iter(node.stage.outputs)))
            if node.type.stage.kind == kind and self.plan.specs[ref].grid == grid:
                return ref
        return None


@dataclass(frozen=True)
class Receipt:
    """What a finished block reports to the client."""

    index: int  # of the pass
    block: int
    tiles: int
    seconds: float
    worker: str
