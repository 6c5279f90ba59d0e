"""From the document to drafts: stage types, parameters, ports, references and cycles; no array is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hdmatt_core.errors import StageError, UserError, did_you_mean
from hdmatt_core.nn import locate
from hdmatt_core.pipeline.document import Document, StageNode
from hdmatt_core.pipeline.draft import Draft, Ref
from hdmatt_core.pipeline.faults import Fault, sentence
from hdmatt_core.pipeline.marks import Keys
from hdmatt_core.pipeline.order import ordered
from hdmatt_core.pipeline.parameters import build_stage
from hdmatt_core.pipeline.references import References
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
        self.types = {name: self._type(name, node) for name, node in document.stages.items()}
        self.references = References(document, self.types, self.result.faults)

    def resolved(self) -> Resolved:
        for name, source in self.document.inputs.items():
            self.result.faults += check_input(self.document, self.registry, name, source)
        drafts = {name: self._draft(name, node) for name, node in self.document.stages.items()}
        self._weights(drafts)
        self.result.drafts = ordered(self.document, drafts, self.result.faults)
        for name, text in self.document.outputs.items():
            ref = self.references.stage_array(text, ("outputs", name), f"output {name!r}")
            if ref is not None:
                self.result.outputs[name] = ref
        return self.result

    def _fault(self, path: Keys, who: str, *what: str, key: bool = False, detail: tuple[str, ...] = ()) -> None:
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
        refs: dict[str, Ref] = {}
        for port, text in node.wires.items():
            ref = self.references.array(text, ("stages", name, "in", port), f"{draft.who}, input {port!r}")
            if ref is not None:
                refs[port] = ref
        draft = replace(draft, wires=refs)
        if draft.type is None:
            return draft
        sound, unwired = self._ports(draft, draft.type.stage.inputs, node)
        stage = build_stage(self.document, draft, self.result.faults, self.result.failures)
        return replace(draft, stage=stage if sound and refs.keys() == node.wires.keys() else None, unwired=unwired)

    def _ports(self, draft: Draft, ports: Mapping[str, Input], node: StageNode) -> tuple[bool, tuple[str, ...]]:
        """Whether exactly the ports are wired that must be, and those that are not (a misspelt one is just that)."""
        written = {
            *node.wires,
            *(path[-1] for path in self.document.broken if path[:3] == ("stages", draft.name, "in")),
        }
        missing = [name for name, port in ports.items() if name not in written and not port.optional]
        unknown = [name for name in node.wires if name not in ports]
        sound = not missing and not unknown
        for name in unknown:
            advice = did_you_mean(name, missing) or did_you_mean(name, ports)
            missing = [port for port in missing if repr(port) not in advice]
            advice = advice or f"its inputs are {', '.join(ports) or 'none'}"
            at: Keys = ("stages", draft.name, "in", name)
            self._fault(at, f"{draft.who}, input {name!r}", "no such port", advice, key=True)
        return sound, tuple(missing)

    def _weights(self, drafts: Mapping[str, Draft]) -> None:
        """Where a stage needs the network, the weights must be there; what is in them the plan finds out."""
        needing = [draft for draft in drafts.values() if draft.type and draft.type.stage.uses_network]
        if not needing or ("weights",) in self.document.broken:
            return
        if self.document.weights is None:
            what = f"missing, but {needing[0].who} needs a network"
            self._fault(("weights",), "weights", what, "write 'weights: hdmatt-s'")
            return
        try:
            locate.resolve(self.document.weights)
        except UserError as error:
            self._fault(("weights",), "weights", error.message, detail=error.detail)
