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
from hdmatt_core.spec import ArraySpec


@dataclass(frozen=True)
class Compute:
    """Where and how the network computes; equal settings give equal bits on one kind of machine."""

    weights: Path | None
    sha256: str
    device: str
    unit: str  # its instruction set, or the card: other ones round otherwise
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
    keep: int  # bytes that each process keeps between passes
    begun: str  # tells the store from one that is begun anew in its place
    served: Path | None = None  # where digests of what blocks are made from are kept

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

    def table_of_trimap(self, trimap: Ref) -> Ref | None:
        """The table of tiles that was made from the input ``trimap``; None if it is none, or no trimap."""
        if trimap.port or self.graph.inputs[trimap.node].kind != "trimap":
            return None
        nodes = self.graph.nodes.values()
        tilers = (node.name for node in nodes if node.type.stage.kind == "tiler" and node.wires["trimap"] == trimap)
        return next((Ref(name, "tiles") for name in tilers), None)

    def inherited(self, work: Pass) -> dict[Ref, ArraySpec]:
        """The transient arrays that ``work`` reads of earlier passes."""
        wires = (ref for step in work.steps for ref in self.graph.nodes[step.node].wires.values())
        places, specs = self.plan.places, self.plan.specs
        return {ref: specs[ref] for ref in wires if places.get(ref) == "memory" and ref not in work.transient}

    def last_reader(self, work: Pass) -> bool:
        """Whether no pass after ``work`` reads the transient arrays that it reads."""
        read, later = self.inherited(work), self.plan.passes[self.plan.passes.index(work) + 1 :]
        return not any(read.keys() & self.inherited(other).keys() for other in later)

    def uses_network(self, work: Pass) -> bool:
        """Whether a task of ``work`` computes with the network."""
        return any(self.graph.nodes[step.node].stage.uses_network for step in (*work.replay, *work.steps))

    @property
    def tiles_alone(self) -> bool:
        """Whether a tile's bits are the same in any company; a card may round otherwise in other batches."""
        return self.compute.device == "cpu"

    def units(self, work: Pass) -> int:
        """The pieces of a block that can be made again alone: its tiles where the network computes, else all of it."""
        return work.grid.block if work.grid and work.over == "tiles" and self.uses_network(work) else 1


@dataclass(frozen=True)
class Receipt:
    """What a finished block reports to the client."""

    index: int  # of the pass
    block: int
    tiles: int
    made: bool  # whether anything was; what all that it is made from is unchanged stays as it is
    again: int  # tiles of which transient rows were made again, because nobody had kept them
    same: int  # tiles that stay as they are
    began: float  # seconds since the epoch
    reading: float  # seconds, as the following
    computing: float
    writing: float
    worker: str
    address: str  # of the dask worker, for what it keeps

    @property
    def seconds(self) -> float:
        return self.reading + self.computing + self.writing
