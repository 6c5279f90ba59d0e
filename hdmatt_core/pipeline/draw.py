"""A graph as mermaid text, which GitHub, mkdocs and many editors render."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hdmatt_core.pipeline.draft import Ref
from hdmatt_core.pipeline.graph import Graph
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Tiles

if TYPE_CHECKING:
    from hdmatt_core.pipeline.passes import Pass  # and with it zarr, which checking a pipeline does not wait for

SHAPES: Mapping[str, tuple[str, str]] = {
    "input": ("[/", "/]"),
    "output": ("([", "])"),
    "tiler": ("[[", "]]"),
    "pool": ("[[", "]]"),
    "encoder": ("[/", "\\]"),
    "sampler": ("{{", "}}"),
    "decoder": ("[\\", "/]"),
    "blender": ("[(", ")]"),
}
"""Opening and closing of each kind's shape; rectangles for the others."""


_RUN = {
    Tiles.ALL: "all tiles, block by block",
    Tiles.CANDIDATES: "queries and context, block by block",
    Tiles.QUERIES: "queries, block by block",
}


def draw(graph: Graph, specs: Mapping[Ref, ArraySpec], passes: Sequence[Pass] = ()) -> str:
    """A mermaid flowchart: inputs, stages by kind and outputs, each edge labelled with the arrays it carries.

    With ``passes`` the stages that share a task are framed together; an edge that rests between two frames in memory,
    or is made again, is dotted.
    """
    kept = frozenset(ref for work in passes for ref in work.transient)
    lines = ["flowchart TD", *_shapes(graph, passes), *_edges(graph, specs, kept)]
    return "\n    ".join(lines) + "\n"


def fenced(mermaid: str) -> str:
    """The drawing as a block of a Markdown file."""
    return f"```mermaid\n{mermaid}```\n"


def _shapes(graph: Graph, passes: Sequence[Pass]) -> Iterator[str]:
    for name, given in graph.inputs.items():
        yield _shape(_id(graph, name), "input", name, given.kind)
    if not passes:
        yield from _stages(graph, graph.nodes)
    for number, work in enumerate(passes, 1):
        over = {"tiles": _RUN[work.run], "pixels": "pixels, shard by shard", "whole": "at once"}
        yield f'subgraph pass_{number}["pass {number}: {over[work.over]}"]'
        yield from (f"    {line}" for line in _stages(graph, [step.node for step in work.steps]))
        yield "end"
    for name in graph.outputs:
        yield _shape(f"out_{name}", "output", name, "")


def _stages(graph: Graph, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        node = graph.nodes[name]
        yield _shape(_id(graph, name), node.stage.kind, name, node.type.name)


def _shape(identifier: str, kind: str, name: str, second: str) -> str:
    left, right = SHAPES.get(kind, ("[", "]"))
    label = f"{name}<br/><i>{second}</i>" if second else name
    return f'{identifier}{left}"{label}"{right}'


def _id(graph: Graph, name: str) -> str:
    # Prefixes keep the three sorts of names apart, and clear of mermaid's own words, such as "end".
    return f"in_{name}" if name in graph.inputs else f"do_{name}"


def _edges(graph: Graph, specs: Mapping[Ref, ArraySpec], kept: frozenset[Ref]) -> Iterator[str]:
    """One edge from each node to each that reads it, however many arrays that takes; dotted where all are kept."""
    for node in graph.nodes.values():
        carried: dict[str, dict[Ref, None]] = {}
        for ref in node.wires.values():
            carried.setdefault(ref.node, {})[ref] = None
        for source, refs in carried.items():
            label = "<br/>".join(_label(ref, specs[ref]) for ref in refs)
            arrow = "-.->" if refs.keys() <= kept else "-->"
            yield f'{_id(graph, source)} {arrow}|"{label}"| {_id(graph, node.name)}'
    for name, ref in graph.outputs.items():
        yield f'{_id(graph, ref.node)} -->|"{_label(ref, specs[ref])}"| out_{name}'


def _label(ref: Ref, spec: ArraySpec) -> str:
    described = " ".join(spec.describe().removesuffix("at 1/1").split())
    return f"{ref.port}: {described}" if ref.port else described
