"""What a plug-in's :class:`StageType` must satisfy before it is let in, one function per rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from hdmatt_core import kinds
from hdmatt_core.spec import Port
from hdmatt_core.stage import API, Params, Stage, StageType

NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
BASES: Mapping[str, type[Stage]] = {
    base.kind: base
    for base in (
        kinds.Tiler,
        kinds.Pool,
        kinds.Encoder,
        kinds.Sampler,
        kinds.Aggregator,
        kinds.Decoder,
        kinds.Blender,
        kinds.Source,
        kinds.Sink,
    )
}

Verdict = tuple[str, str] | None
"""What is wrong and the cure, or None."""


def screened(brought: object, distribution: str) -> Verdict:
    """The first rule that ``brought``, an element of what the hook gave, breaks; None if it keeps them all."""
    if not isinstance(brought, StageType):
        return f"its hook gave {brought!r}", "it must give StageType records"
    rules: tuple[Callable[[StageType], Verdict], ...] = (_name, _is_stage, _kind, _base, _ports, _methods)
    verdicts = (rule(brought) for rule in rules)
    return _api(brought, distribution) or next((verdict for verdict in verdicts if verdict), None)


def _api(brought: StageType, distribution: str) -> Verdict:
    if not isinstance(brought.api, int):
        return f"stage {brought.name!r} states the contract {brought.api!r}", f"write api={API}"
    if brought.api == API:
        return None
    package = distribution.split(" ", maxsplit=1)[0]
    age, cure = ("older", package) if brought.api < API else ("newer", "hdmatt")
    what = f"stage {brought.name!r} was written for contract {brought.api}, {age} than this hdmatt's {API}"
    return what, f"upgrade {cure}: pip install -U {cure}"


def _name(brought: StageType) -> Verdict:
    if isinstance(brought.name, str) and NAME.fullmatch(brought.name):
        return None
    cure = "write kind.word, a small letter in front of both, then small letters, digits and underscores"
    return f"{brought.name!r} is no name for a stage", cure


def _is_stage(brought: StageType) -> Verdict:
    stage: object = brought.stage
    if isinstance(stage, type) and issubclass(stage, Stage):
        params: object = stage.Params
        if isinstance(params, type) and issubclass(params, Params):
            return None
        return f"the Params of stage {brought.name!r} are no parameters", "derive them from hdmatt_core.stage.Params"
    return f"stage {brought.name!r} is {stage!r}", "derive it from hdmatt_core.stage.Stage or from a kind"


def _kind(brought: StageType) -> Verdict:
    kind = getattr(brought.stage, "kind", None)
    if kind == brought.name.partition(".")[0]:
        return None
    return f"stage {brought.name!r} is of kind {kind!r}", "its name must begin with its kind"


def _base(brought: StageType) -> Verdict:
    for base in (kinds.Source, kinds.Sink):
        if brought.stage.kind == base.kind and not issubclass(brought.stage, base):
            return f"{brought.name!r} is no {base.__name__}", f"derive it from hdmatt_core.kinds.{base.__name__}"
    return None


def _ports(brought: StageType) -> Verdict:
    stage = brought.stage
    base = BASES.get(stage.kind)
    if base is None:
        return None if stage.outputs else (f"stage {brought.name!r} has no output", "declare an Output")
    missing = [*_lacking(base.inputs, stage.inputs), *_lacking(base.outputs, stage.outputs)]
    if not missing:
        return None
    return (
        f"stage {brought.name!r} lacks the {stage.kind}'s port {', '.join(map(repr, missing))}",
        f"derive it from hdmatt_core.kinds.{base.__name__}",
    )


def _lacking(wanted: Mapping[str, Port], has: Mapping[str, Port]) -> list[str]:
    return [name for name, port in wanted.items() if name not in has or not _same_axes(port, has[name])]


def _same_axes(wanted: Port, has: Port) -> bool:
    return not wanted.dims or has.dims == wanted.dims


def _methods(brought: StageType) -> Verdict:
    lacking = ", ".join(map(repr, sorted(brought.stage.__abstractmethods__)))
    if lacking:
        return f"stage {brought.name!r} has no method {lacking}", "see hdmatt_core.stage and hdmatt_core.kinds"
    return None
