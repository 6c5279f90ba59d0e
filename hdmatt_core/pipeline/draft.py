"""A stage as far as it could be understood, and references between stages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from hdmatt_core.spec import ArraySpec, Port
from hdmatt_core.stage import Stage, StageType


@dataclass(frozen=True, order=True)
class Ref:
    """An array of the pipeline: a stage's output, or with an empty ``port`` an input."""

    node: str
    port: str = ""

    def __str__(self) -> str:
        return f"{self.node}.{self.port}" if self.port else self.node


@dataclass(frozen=True)
class Draft:
    """A stage of the document; ``type`` is None if it is unknown, ``stage`` if it cannot be built or wired."""

    name: str
    use: str
    type: StageType | None
    stage: Stage | None
    wires: Mapping[str, Ref]
    unwired: tuple[str, ...] = ()  # required inputs that the document leaves out

    @property
    def who(self) -> str:
        return f"stage {self.name!r} ({self.use})"

    def spelled(self, port: str) -> str:
        """The shortest reference to an output: the bare name if it has no other."""
        alone = self.type is not None and len(self.type.stage.outputs) == 1
        return self.name if alone else f"{self.name}.{port}"


Known = Mapping[Ref, ArraySpec]


def fits(port: Port, given: ArraySpec | Port) -> bool:
    """Whether an array, or what an output declares it to be, may be wired to ``port``."""
    if isinstance(given, ArraySpec):
        return port.accepts(given)
    return (
        given.dims == port.dims
        and (not given.dtypes or not port.dtypes or bool({*given.dtypes} & {*port.dtypes}))
        and (None in (given.scale, port.scale) or given.scale == port.scale)
        and (None in (given.channels, port.channels) or given.channels == port.channels)
    )


def origin(ref: Ref, drafts: Mapping[str, Draft], specs: Known) -> ArraySpec | Port | None:
    """What is known of an array: its spec, else what its stage declares, else nothing."""
    if ref in specs:
        return specs[ref]
    draft = drafts.get(ref.node)
    return draft.type.stage.outputs.get(ref.port) if draft and draft.type else None


def suggestion(port_name: str, port: Port, written: str, draft: Draft, drafts: Sequence[Draft], specs: Known) -> str:
    """``did you mean 'encode.features'?``: of the arrays that fit the port the one nearest by name, if any."""
    by_name = {d.name: d for d in drafts}
    later = {draft.name, *_readers(draft.name, drafts)}
    fitting = [
        (ref, spelled)
        for ref, spelled in _arrays(drafts, specs)
        if ref.node not in later and (given := origin(ref, by_name, specs)) is not None and fits(port, given)
    ]
    if not fitting:
        return ""

    def nearness(candidate: tuple[Ref, str]) -> float:
        ref, spelled = candidate
        return max(_alike(port_name, ref.port or ref.node), _alike(written, spelled))

    return f"did you mean {max(fitting, key=nearness)[1]!r}?"


def _arrays(drafts: Iterable[Draft], specs: Known) -> Iterator[tuple[Ref, str]]:
    for ref in specs:
        if not ref.port:
            yield ref, ref.node
    for draft in drafts:
        for port in draft.type.stage.outputs if draft.type else ():
            yield Ref(draft.name, port), draft.spelled(port)


def _readers(name: str, drafts: Sequence[Draft]) -> set[str]:
    """The stages that read ``name``, directly or not."""
    found: set[str] = set()
    fresh = {name}
    while fresh:
        fresh = {d.name for d in drafts if any(r.node in fresh for r in d.wires.values())} - found
        found |= fresh
    return found


def _alike(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b).ratio()
