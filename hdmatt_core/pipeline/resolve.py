"""From the document to drafts: stage types, parameters, ports, references and cycles; no array is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import networkx as nx

from hdmatt_core.errors import StageError, UserError, did_you_mean
from hdmatt_core.pipeline.document import Document, StageNode
from hdmatt_core.pipeline.draft import Draft, Ref
from hdmatt_core.pipeline.faults import Fault, sentence
from hdmatt_core.pipeline.marks import Path
from hdmatt_core.pipeline.parameters import build_stage
from hdmatt_core.pipeline.sources import check_input
from hdmatt_core.registry import Registry
from hdmatt_core.spec import Input
from hdmatt_core.stage import StageType


@dataclass
class Resolved:
    """Every stage of the document, in topological order; the outputs; the faults and the plug-ins' failures."""

    drafts: list[Draft] = field(default_factory=list)
    outputs: dict[str, Ref] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    failures: list[StageError] = field(default_factory=list)


def resolve(document: Document, registry: Registry) -> Resolved:
    """Look up and build what the document names; whatever cannot be is a fault, and the rest goes on."""
    return _Resolver(document, registry).resolved()


class _Resolver:
    def __init__(self, document: Document, registry: Registry) -> None:
        self.document, self.registry = document, registry
        self.result = Resolved(faults=list(document.faults))
        self.types: dict[str, StageType | None] = {}

    def resolved(self) -> Resolved:
        for name, node in self.document.inputs.items():
            self.result.faults += check_input(self.document, self.registry, name, node)
        for name, node in self.document.stages.items():
            self.types[name] = self._type(name, node)
        drafts = {name: self._draft(name, node) for name, node in self.document.stages.items()}
        self._weights(drafts)
        self.result.drafts = self._ordered(drafts)
        for name, text in self.document.outputs.items():
            ref = self._reference(text, ("outputs", name), f"output {name!r}")
            if ref is not None and ref.node in self.document.inputs:
                self._fault(("outputs", name), f"output {name!r}", f"{text!r} is an input; an output names a stage")
            elif ref is not None:
                self.result.outputs[name] = ref
        return self.result

    def _fault(self, path: Path, who: str, *what: str, key: bool = False, detail: tuple[str, ...] = ()) -> None:
        self.result.faults.append(Fault(self.document.mark(path, key=key), who, sentence(*what), detail))

    def _type(self, name: str, node: StageNode) -> StageType | None:
        path, who = ("stages", name, "use"), f"stage {name!r}"
        try:
            type_ = self.registry.stage(node.use)
        except UserError as error:
            self._fault(path, who, error.message, detail=error.detail)
            return None
        if type_.stage.kind not in ("source", "sink"):
            return type_
        cure = "inputs name sources, with 'use'" if type_.stage.kind == "source" else "the output's suffix chooses it"
        self._fault(path, who, f"{node.use!r} is a {type_.stage.kind}, no stage of a pipeline", cure)
        return None

    def _draft(self, name: str, node: StageNode) -> Draft:
        draft = Draft(name, node.use, self.types[name], None, {})
        paths = {port: ("stages", name, "in", port) for port in node.wires}
        refs = {
            port: self._reference(text, paths[port], f"{draft.who}, input {port!r}")
            for port, text in node.wires.items()
        }
        draft = replace(draft, wires={port: ref for port, ref in refs.items() if ref is not None})
        if draft.type is None:
            return draft
        sound = self._ports(draft, draft.type.stage.inputs, node) and None not in refs.values()
        stage = build_stage(self.document, draft, self.result.faults, self.result.failures)
        return replace(draft, stage=stage) if sound else draft

    def _ports(self, draft: Draft, ports: Mapping[str, Input], node: StageNode) -> bool:
        """Whether every required port is wired and no other is; a misspelt one is not reported twice."""
        missing = [name for name, port in ports.items() if name not in node.wires and not port.optional]
        unknown = [name for name in node.wires if name not in ports]
        sound = not missing and not unknown
        for name in unknown:
            advice = did_you_mean(name, missing) or did_you_mean(name, ports)
            missing = [port for port in missing if repr(port) not in advice]
            path, who = ("stages", draft.name, "in", name), f"{draft.who}, input {name!r}"
            self._fault(path, who, "no such port", advice or f"its inputs are {', '.join(ports) or 'none'}", key=True)
        for name in missing:
            wanted = " ".join(ports[name].describe().split())
            at: Path = ("stages", draft.name, "in") if node.wires else ("stages", draft.name)
            self._fault(at, f"{draft.who}, input {name!r}", "not wired", key=True, detail=(f"wants  {wanted}",))
        return sound

    def _reference(self, text: str, path: Path, who: str) -> Ref | None:
        """What ``text`` names; None if nothing, after saying so unless that node's own fault says it all."""
        name, dot, port = text.partition(".")
        if name in self.document.broken:
            return None
        if name in self.document.inputs:
            if not dot:
                return Ref(name)
            self._fault(path, who, f"{name!r} is an input and has no outputs to choose from", f"write {name!r}")
        elif name in self.types:
            return self._output(name, port, dot, path, who)
        else:
            self._fault(path, who, f"no stage or input {name!r}", did_you_mean(text, self._names()))
        return None

    def _output(self, name: str, port: str, dot: str, path: Path, who: str) -> Ref | None:
        type_ = self.types[name]
        if type_ is None:
            return Ref(name, port)
        outputs = type_.stage.outputs
        if not dot:
            return Ref(name, next(iter(outputs)))
        if port in outputs:
            return Ref(name, port)
        advice = did_you_mean(port, outputs) or f"its outputs are {', '.join(outputs)}"
        self._fault(path, who, f"stage {name!r} ({type_.name}) has no output {port!r}", advice)
        return None

    def _names(self) -> Iterator[str]:
        yield from self.document.inputs
        for name, type_ in self.types.items():
            yield name
            yield from (f"{name}.{port}" for port in type_.stage.outputs) if type_ else ()

    def _weights(self, drafts: Mapping[str, Draft]) -> None:
        needing = [d for d in drafts.values() if d.type and d.type.stage.uses_network]
        if needing and self.document.weights is None:
            self._fault(
                ("weights",), "weights", f"missing; {needing[0].who} needs a network", "write 'weights: hdmatt-s'"
            )

    def _ordered(self, drafts: dict[str, Draft]) -> list[Draft]:
        """Topological order, ties in the document's order; the stages of a cycle are unsound and end up anywhere."""
        rank = {name: i for i, name in enumerate(drafts)}
        dag: nx.DiGraph[str] = nx.DiGraph()
        dag.add_nodes_from(drafts)
        dag.add_edges_from((r.node, d.name) for d in drafts.values() for r in d.wires.values() if r.node in drafts)
        for knot in list(nx.strongly_connected_components(dag)):
            inner = dag.subgraph(knot)
            if inner.number_of_edges():
                self._cycle(inner, min(knot, key=rank.__getitem__))
                drafts |= {name: replace(drafts[name], stage=None) for name in knot}
                dag.remove_edges_from(list(inner.edges))
        return [drafts[name] for name in nx.lexicographical_topological_sort(dag, key=rank.__getitem__)]

    def _cycle(self, knot: nx.DiGraph[str], first: str) -> None:
        """Name one way round: the shortest from ``first`` back to itself."""
        back = min((nx.shortest_path(knot, first, last) for last in knot.predecessors(first)), key=len)
        way = " -> ".join([*back, first])
        self._fault(("stages", first), f"stage {first!r}", f"waits for itself: {way}", key=True)
