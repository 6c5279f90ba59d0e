"""From a graph of stages to passes: which stages share a task, what rests in zarr between tasks, what is re-made.

An edge is *memory* when its consumer asks for the target's own rows only (:class:`hdmatt_core.stage.Own`) and both
stages cut their work alike; stages joined so are fused into one task. Every other edge rests in an array. An array
that only own rows are read of, but across passes (the encoder's skips), is *transient*: kept in memory where it
fits the budget, and otherwise re-made in the consumer's task by replaying the stages that make it. Rows as small as a
table's are worth no such care, and rest.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import networkx as nx

from hdmatt_core.geometry import Box, Grid, blocks_of
from hdmatt_core.pipeline.asking import needs_of
from hdmatt_core.pipeline.graph import Graph, Node, Ref
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Own, Request, Target, Tiles
from hdmatt_core.storage.layout import SMALL_ROW, shard_shape

Over = Literal["tiles", "pixels", "whole"]
Specs = Mapping[Ref, ArraySpec]


@dataclass(frozen=True)
class Step:
    """One stage in a task, and the outputs of it that anybody reads."""

    node: str
    wanted: frozenset[str]


@dataclass(frozen=True)
class Pass:
    """Stages that run together, block by block.

    ``stored`` are the arrays that rest after it; ``replay`` the steps of earlier passes that re-make the transient
    arrays it reads, where those are not kept.
    """

    name: str
    over: Over
    run: Tiles
    steps: tuple[Step, ...]
    replay: tuple[Step, ...]
    stored: tuple[Ref, ...]
    transient: tuple[Ref, ...]
    spec: ArraySpec  # of its first output: what its blocks are cut from

    @property
    def grid(self) -> Grid | None:
        return self.spec.grid

    def blocks(self) -> list[Box]:
        """The pieces of its work, in order: slot ranges, pixel boxes, or everything at once."""
        if self.over == "whole":
            return [whole_box(self.spec)]
        axes = 1 if self.over == "tiles" else 2
        return list(blocks_of(self.spec.shape[:axes], shard_shape(self.spec)[:axes]))


def whole_box(spec: ArraySpec) -> Box:
    axes = 1 if spec.over_tiles else 2
    return Box((0,) * axes, spec.shape[:axes])


def over_of(node: Node, specs: Specs) -> Over:
    if node.stage.whole:
        return "whole"
    return "tiles" if first_spec(node, specs).over_tiles else "pixels"


def first_spec(node: Node, specs: Specs) -> ArraySpec:
    return specs[Ref(node.name, next(iter(node.stage.outputs)))]


def input_specs(node: Node, specs: Specs) -> dict[str, ArraySpec]:
    return {port: specs[ref] for port, ref in node.wires.items()}


def sample_target(node: Node, specs: Specs) -> Target:
    """A full target of the stage, for asking what it needs."""
    spec = first_spec(node, specs)
    if node.stage.whole:
        return Target(whole_box(spec), tuple(spec.grid.present(0, spec.grid.slots)) if spec.grid else ())
    if spec.grid is not None:
        return Target(Box((0,), (spec.grid.block,)), tuple(spec.grid.present(0, spec.grid.block)))
    return Target(Box((0, 0), tuple(min(a, b) for a, b in zip(spec.shape[:2], shard_shape(spec)[:2], strict=True))))


def finest(passes: tuple[Pass, ...]) -> Grid | None:
    """The grid of the passes that cuts the largest picture: a pipeline may look at a reduced one first."""
    grids = [p.grid for p in passes if p.over == "tiles" and p.grid is not None]
    return max(grids, key=lambda grid: math.prod(grid.shape), default=None)


def lay_out(graph: Graph, specs: Specs, outputs: Collection[Ref]) -> tuple[Pass, ...]:
    """The passes of ``graph`` in the order they run."""
    return _Layout(graph, specs, outputs).passes()


class _Layout:
    def __init__(self, graph: Graph, specs: Specs, outputs: Collection[Ref]) -> None:
        self.graph, self.specs, self.outputs = graph, specs, frozenset(outputs)
        self.requests = _requests(graph, specs)
        self.early = _before_counting(graph, self.requests)
        self.level: dict[str, int] = {}
        for node in graph.nodes.values():
            self.level[node.name] = self._level(node)

    def passes(self) -> tuple[Pass, ...]:
        groups: dict[tuple[object, ...], list[Node]] = {}
        for node in self.graph.nodes.values():
            groups.setdefault((self.level[node.name], *self._key(node)), []).append(node)
        ordered = sorted(groups.items(), key=lambda item: item[0][0])  # type: ignore[arg-type,return-value]
        self.home = {node.name: i for i, (_, nodes) in enumerate(ordered) for node in nodes}
        return tuple(self._pass(nodes) for _, nodes in ordered)

    def _pass(self, nodes: list[Node]) -> Pass:
        steps = tuple(Step(n.name, self._wanted(n)) for n in nodes)
        made = [Ref(n.name, port) for n in nodes for port in n.stage.outputs]
        transient = tuple(r for r in made if self._transient(r))
        stored = tuple(r for r in made if self._crosses(r) and r not in transient)
        first = nodes[0]
        return Pass(
            name="+".join(n.name for n in nodes),
            over=over_of(first, self.specs),
            run=first.stage.tiles_run,
            steps=steps,
            replay=self._replay(nodes),
            stored=stored,
            transient=transient,
            spec=first_spec(first, self.specs),
        )

    def _key(self, node: Node) -> tuple[object, ...]:
        over, spec, early = over_of(node, self.specs), first_spec(node, self.specs), node.name in self.early
        if over == "whole":
            return over, early, node.name
        return over, early, spec.grid or spec.shape[:2], node.stage.tiles_run

    def _level(self, node: Node) -> int:
        level = 0
        for port, request in self.requests[node.name].items():
            ref = node.wires[port]
            if ref.port:
                level = max(level, self.level[ref.node] + (0 if self._fusable(ref, node, request) else 1))
        return max([level, *(self.level[n] + 1 for n in self._tables(node))])

    def _tables(self, node: Node) -> list[str]:
        """The stages whose tables say which tiles ``node`` runs for."""
        if over_of(node, self.specs) != "tiles" or node.stage.tiles_run is Tiles.ALL:
            return []
        kinds = {"tiler"} if node.stage.tiles_run is Tiles.QUERIES else {"tiler", "pool"}
        grid = first_spec(node, self.specs).grid
        others = [n for n in self.graph.nodes.values() if n.name in self.level and n.type.stage.kind in kinds]
        return [n.name for n in others if first_spec(n, self.specs).grid == grid]

    def _fusable(self, ref: Ref, node: Node, request: Request) -> bool:
        return isinstance(request, Own) and self._key(self.graph.nodes[ref.node]) == self._key(node)

    def _consumers(self, ref: Ref) -> list[tuple[Node, Request]]:
        return [
            (node, self.requests[node.name][port])
            for node in self.graph.nodes.values()
            for port, wired in node.wires.items()
            if wired == ref and port in self.requests[node.name]
        ]

    def _wanted(self, node: Node) -> frozenset[str]:
        refs = (Ref(node.name, port) for port in node.stage.outputs)
        return frozenset(r.port for r in refs if r in self.outputs or self._is_table(r) or self._consumers(r))

    def _crosses(self, ref: Ref) -> bool:
        home = self.home[ref.node]
        read_later = any(self.home[n.name] != home for n, _ in self._consumers(ref))
        return ref in self.outputs or self._is_table(ref) or read_later

    def _is_table(self, ref: Ref) -> bool:
        """Tables that say which tiles the stages run for are read by the runtime itself."""
        stage = self.graph.nodes[ref.node].stage
        return stage.kind in ("tiler", "pool") and ref.port == next(iter(stage.outputs))

    def _transient(self, ref: Ref) -> bool:
        consumers = self._consumers(ref)
        spec = self.specs.get(ref)
        return (
            spec is not None
            and spec.row_bytes > SMALL_ROW
            and ref not in self.outputs
            and self.graph.nodes[ref.node].stage.tiles_run is not Tiles.ALL
            and bool(consumers)
            and self._crosses(ref)
            and all(isinstance(q, Own) and first_spec(n, self.specs).grid == spec.grid for n, q in consumers)
        )

    def _replay(self, nodes: list[Node]) -> tuple[Step, ...]:
        """Steps, in order, that re-make the transient arrays read by ``nodes``."""
        wanted: dict[str, set[str]] = {}
        pending = [
            ref
            for n in nodes
            for port in self.requests[n.name]
            if (ref := n.wires[port]).port and self._transient(ref) and self.home[ref.node] != self.home[n.name]
        ]
        while pending:
            ref = pending.pop()
            wanted.setdefault(ref.node, set()).add(ref.port)
            maker = self.graph.nodes[ref.node]
            for port, request in self.requests[maker.name].items():
                source = maker.wires[port]
                if source.port and self._fusable(source, maker, request) and not self._crosses(source):
                    pending.append(source)
        return tuple(Step(n, frozenset(wanted[n])) for n in self.graph.nodes if n in wanted)


def survey_of(graph: Graph, specs: Specs, passes: tuple[Pass, ...]) -> tuple[int, ...]:
    """The passes that make the tables of tiles: run first, they tell the plan how much work there is."""
    needed = _before_counting(graph, _requests(graph, specs))
    return tuple(i for i, p in enumerate(passes) if any(step.node in needed for step in p.steps))


def _requests(graph: Graph, specs: Specs) -> dict[str, dict[str, Request]]:
    """What each stage asks for, by port."""
    return {
        node.name: needs_of(node, sample_target(node, specs), input_specs(node, specs)) for node in graph.nodes.values()
    }


def _before_counting(graph: Graph, requests: Mapping[str, Mapping[str, Request]]) -> set[str]:
    """The stages that make the tables of tiles, and those that these read of."""
    dag = nx.DiGraph()
    for node in graph.nodes.values():
        dag.add_node(node.name)
        read = (node.wires[port] for port in requests[node.name])
        dag.add_edges_from((ref.node, node.name) for ref in read if ref.port)
    tables = {n.name for n in graph.nodes.values() if n.type.stage.kind in ("tiler", "pool")}
    return tables.union(*(nx.ancestors(dag, name) for name in tables))
