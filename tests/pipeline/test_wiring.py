"""Any wiring of stages at all: ordered, or its cycles are named."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.pipeline.document import parse_document
from hdmatt_core.pipeline.faults import DocumentError
from hdmatt_core.pipeline.graph import build_graph
from hdmatt_core.registry import Registry


def wired(count: int, wires: Mapping[int, list[int]]) -> str:
    """A document of links, each reading up to three others."""
    stages = {
        f"s{i}": {
            "use": "link.link",
            "in": {port: f"s{j}" for port, j in zip("abc", wires[i], strict=False)} or {"a": "i"},
        }
        for i in range(count)
    }
    document: dict[str, Any] = {
        "pipeline": 1,
        "inputs": {"i": {"kind": "mask"}},
        "stages": stages,
        "outputs": {"o": "s0"},
    }
    return str(document).replace("'", '"')


@st.composite
def wirings(draw: st.DrawFn) -> tuple[int, dict[int, list[int]]]:
    count = draw(st.integers(1, 7))
    one = st.lists(st.integers(0, count - 1), max_size=3)
    return count, {i: draw(one) for i in range(count)}


@settings(max_examples=60)
@given(wirings())
def test_any_wiring_is_ordered_or_its_cycles_are_named(
    linked: Registry, wiring: tuple[int, dict[int, list[int]]]
) -> None:
    count, wires = wiring
    document = parse_document(wired(count, wires), "w.yaml", Path())
    dag = nx.DiGraph([(j, i) for i, sources in wires.items() for j in sources])
    if nx.is_directed_acyclic_graph(dag):
        order = [*build_graph(document, linked).nodes]
        assert all(order.index(f"s{j}") < order.index(f"s{i}") for j, i in dag.edges)
        return
    with pytest.raises(DocumentError) as raised:
        build_graph(document, linked)
    knots = [k for k in nx.strongly_connected_components(dag) if dag.subgraph(k).number_of_edges()]
    assert len(raised.value.faults) == len(knots)
    for fault in raised.value.faults:
        way = [int(name[1:]) for name in fault.what.removeprefix("waits for itself: ").split(" -> ")]
        assert way[0] == way[-1]
        assert all(dag.has_edge(a, b) for a, b in pairwise(way))
