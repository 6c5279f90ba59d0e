"""A document with its stages built and wired: a directed acyclic graph that holds, or all the reasons why not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import networkx as nx

from hdmatt_core.errors import UserError, did_you_mean
from hdmatt_core.pipeline.document import Document, InputNode
from hdmatt_core.pipeline.draft import Draft, Ref
from hdmatt_core.pipeline.faults import DocumentError, sentence
from hdmatt_core.pipeline.inference import Findings, infer_specs, placeholders
from hdmatt_core.pipeline.resolve import resolve
from hdmatt_core.registry import Registry
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Stage, StageType

__all__ = ["Graph", "Node", "Ref", "build_graph"]


@dataclass(frozen=True)
class Node:
    """A stage of the pipeline: its name there, its type, the stage itself, and where each input comes from."""

    name: str
    type: StageType
    stage: Stage
    wires: Mapping[str, Ref]


@dataclass(frozen=True)
class Graph:
    """Stages in topological order (ties in the order of the document), inputs and outputs by name."""

    document: Document
    nodes: Mapping[str, Node]
    inputs: Mapping[str, InputNode]
    outputs: Mapping[str, Ref]

    @property
    def dag(self) -> nx.DiGraph[str]:
        """Names of inputs and stages, with an edge from each to those that read it."""
        dag: nx.DiGraph[str] = nx.DiGraph()
        dag.add_nodes_from([*self.inputs, *self.nodes])
        dag.add_edges_from((ref.node, node.name) for node in self.nodes.values() for ref in node.wires.values())
        return dag

    def pruned(self, outputs: Collection[str]) -> Graph:
        """Only the stages and inputs that ``outputs`` need; UserError if one of these is not in the document."""
        for name in outputs:
            if name not in self.outputs:
                advice = did_you_mean(name, self.outputs) or f"there are {', '.join(self.outputs)}"
                raise UserError(sentence(f"{self.document.file}: no output {name!r}", advice))
        dag, kept = self.dag, {name: ref for name, ref in self.outputs.items() if name in outputs}
        needed = {ref.node for ref in kept.values()}.union(*(nx.ancestors(dag, ref.node) for ref in kept.values()))
        return replace(
            self,
            nodes={name: node for name, node in self.nodes.items() if name in needed},
            inputs={name: node for name, node in self.inputs.items() if name in needed},
            outputs=kept,
        )

    def specs(self, inputs: Mapping[str, ArraySpec]) -> dict[Ref, ArraySpec]:
        """What every array is, given what the inputs are; an input stands there as ``Ref(name)``.

        Raises DocumentError with every wire that carries the wrong kind of array and all that the stages refuse,
        StageError where a stage itself fails.
        """
        for name in self.inputs:
            if name not in inputs:
                raise UserError(f"{self.document.file}: input {name!r} is not given; there must be a file for it")
        drafts = [Draft(node.name, node.type.name, node.type, node.stage, node.wires) for node in self.nodes.values()]
        findings = infer_specs(self.document, drafts, {name: inputs[name] for name in self.inputs})
        _raise(self.document, findings)
        return findings.specs


def build_graph(document: Document, registry: Registry, inputs: Mapping[str, ArraySpec] | None = None) -> Graph:
    """The graph of a document.

    Raises DocumentError with all its faults. Where there are any, those that :meth:`Graph.specs` would find in the
    sound part are added, with ``inputs`` taken as given and stand-ins for the others. StageError where a stage's
    own parameters or ``infer`` fail.
    """
    resolved = resolve(document, registry)
    if resolved.faults or resolved.failures or any(draft.unwired for draft in resolved.drafts):
        findings = infer_specs(document, resolved.drafts, placeholders(document, inputs))
        _raise(document, Findings({}, [*resolved.faults, *findings.faults], [*resolved.failures, *findings.failures]))
    nodes = {
        draft.name: Node(draft.name, draft.type, draft.stage, draft.wires)
        for draft in resolved.drafts
        if draft.type and draft.stage
    }
    return Graph(document, nodes, document.inputs, resolved.outputs)


def _raise(document: Document, findings: Findings) -> None:
    """A failure of a plug-in waits until the person's own mistakes are mended, for they may have caused it."""
    if findings.faults:
        raise DocumentError(document.file, findings.faults)
    if findings.failures:
        raise findings.failures[0]
