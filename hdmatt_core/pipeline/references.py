"""What the references of a document name: ``encode.features``, ``fuse``, ``image``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hdmatt_core.errors import did_you_mean
from hdmatt_core.pipeline.document import Document
from hdmatt_core.pipeline.draft import Ref
from hdmatt_core.pipeline.faults import Fault, sentence
from hdmatt_core.pipeline.marks import Keys
from hdmatt_core.stage import StageType


@dataclass(frozen=True)
class References:
    """The names of one document; ``types`` has None for a stage whose type is unknown."""

    document: Document
    types: Mapping[str, StageType | None]
    faults: list[Fault]

    def array(self, text: str, path: Keys, who: str, sort: str = "stage or input") -> Ref | None:
        """The array that ``text`` at ``path`` names; None after saying why not, unless that node's fault says it."""
        name, dot, port = text.partition(".")
        if {("stages", name), ("inputs", name)} & self.document.broken:
            return None
        if name in self.types:
            return self._output(name, port if dot else None, path, who)
        if name not in self.document.inputs:
            self._fault(path, who, f"no {sort} {name!r}", did_you_mean(text, self._all()))
        elif dot:
            self._fault(path, who, f"{name!r} is an input and has no outputs to choose from", f"write {name!r}")
        else:
            return Ref(name)
        return None

    def stage_array(self, text: str, path: Keys, who: str) -> Ref | None:
        """The same for an output of the pipeline, which may not be one of its inputs."""
        ref = self.array(text, path, who, "stage")
        if ref is not None and ref.node in self.document.inputs:
            self._fault(path, who, f"{text!r} is an input", "an output names a stage")
            return None
        return ref

    def _output(self, name: str, port: str | None, path: Keys, who: str) -> Ref | None:
        type_ = self.types[name]
        if type_ is None:
            return Ref(name, port or "")
        outputs = type_.stage.outputs
        if port is None:
            return Ref(name, next(iter(outputs)))
        if port in outputs:
            return Ref(name, port)
        advice = did_you_mean(port, outputs) or f"its outputs are {', '.join(outputs)}"
        self._fault(path, who, f"stage {name!r} ({type_.name}) has no output {port!r}", advice)
        return None

    def _all(self) -> Iterator[str]:
        yield from self.document.inputs
        for name, type_ in self.types.items():
            yield name
            yield from (f"{name}.{port}" for port in type_.stage.outputs) if type_ else ()

    def _fault(self, path: Keys, who: str, *what: str) -> None:
        self.faults.append(Fault(self.document.mark(path), who, sentence(*what)))
