"""A graph as mermaid text, which GitHub, mkdocs and many editors render."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hdmatt_core.pipeline.draft import Ref
from hdmatt_core.pipeline.graph import Graph
from hdmatt_core.spec import ArraySpec

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


def draw(graph: Graph, specs: Mapping[Ref, ArraySpec]) -> str:
    """A mermaid flowchart: inputs, stages by kind and outputs, each edge labelled with the arrays it carries."""
    lines = ["flowchart TD", *_shapes(graph), *_edges(graph, specs)]
    return "\n    ".join(lines) + "\n"


def fenced(mermaid: str) -> str:
    """The drawing as a block of a Markdown file."""
    return f"```mermaid\n{mermaid}```\n"


def _shapes(graph: Graph) -> Iterator[str]:
    for name, given in graph.inputs.items():
        yield _shape(_id(graph, name), "input", name, given.kind)
    for name, node in graph.nodes.items():
        yield _shape(_id(graph, name), node.stage.kind, name, node.type.name)
    for name in graph.outputs:
        yield _shape(f"out_{name}", "output", name, "")


def _shape(identifier: str, kind: str, name: str, second: str) -> str:
    left, right = SHAPES.get(kind, ("[", "]"))
    label = f"{name}<br/><i>{second}</i>" if second else name
    return f'{identifier}{left}"{label}"{right}'


def _id(graph: Graph, name: str) -> str:
    # Prefixes keep the three sorts of names apart, and clear of mermaid's own words, such as "end".
    return f"in_{name}" if name in graph.inputs else f"do_{name}"


def _edges(graph: Graph, specs: Mapping[Ref, ArraySpec]) -> Iterator[str]:
    """One edge from each node to each that reads it, however many arrays that takes."""
    for node in graph.nodes.values():
        carried: dict[str, dict[Ref, None]] = {}
        for ref in node.wires.values():
            carried.setdefault(ref.node, {})[ref] = None
        for source, refs in carried.items():
            label = "<br/>".join(_label(ref, specs[ref]) for ref in refs)
            yield f'{_id(graph, source)} -->|"{label}"| {_id(graph, node.name)}'
    for name, ref in graph.outputs.items():
        yield f'{_id(graph, ref.node)} -->|"{_label(ref, specs[ref])}"| out_{name}'


def _label(ref: Ref, spec: ArraySpec) -> str:
    described = " ".join(spec.describe().removesuffix("at 1/1").split())
    return f"{ref.port}: {described}" if ref.port else described
