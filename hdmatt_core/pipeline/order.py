"""The order in which stages can be run, and the cycles that leave none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import networkx as nx

from hdmatt_core.pipeline.document import Document
from hdmatt_core.pipeline.draft import Draft
from hdmatt_core.pipeline.faults import Fault


def ordered(document: Document, drafts: Mapping[str, Draft], faults: list[Fault]) -> list[Draft]:
    """Topological order, ties in the order of the document.

    Each knot of stages that wait for one another is a fault; its stages are unsound and stand anywhere.
    """
    rank = {name: i for i, name in enumerate(drafts)}
    dag = _edges(drafts)
    unsound: set[str] = set()
    for knot in list(nx.strongly_connected_components(dag)):
        inner = dag.subgraph(knot).copy()
        if inner.number_of_edges():
            faults.append(_cycle(document, inner, min(knot, key=rank.__getitem__)))
            unsound |= knot
            dag.remove_edges_from(inner.edges)
    names = nx.lexicographical_topological_sort(dag, key=rank.__getitem__)
    return [replace(drafts[name], stage=None) if name in unsound else drafts[name] for name in names]


def _edges(drafts: Mapping[str, Draft]) -> nx.DiGraph[str]:
    dag: nx.DiGraph[str] = nx.DiGraph()
    dag.add_nodes_from(drafts)
    for draft in drafts.values():
        dag.add_edges_from((ref.node, draft.name) for ref in draft.wires.values() if ref.node in drafts)
    return dag


def _cycle(document: Document, knot: nx.DiGraph[str], first: str) -> Fault:
    """Names one way round: the shortest from ``first`` back to itself."""
    back = min((nx.shortest_path(knot, first, last) for last in knot.predecessors(first)), key=len)
    mark = document.mark(("stages", first), key=True)
    return Fault(mark, f"stage {first!r}", f"waits for itself: {' -> '.join([*back, first])}")
