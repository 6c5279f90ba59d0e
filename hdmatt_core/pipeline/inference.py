"""What every array is: ``infer`` of each stage in order, every wire checked against its port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hdmatt_core.errors import StageError, UserError
from hdmatt_core.kinds import KINDS, Role
from hdmatt_core.pipeline.document import Document
from hdmatt_core.pipeline.draft import Draft, Ref, fits, origin, suggestion
from hdmatt_core.pipeline.failure import stage_failure
from hdmatt_core.pipeline.faults import Fault
from hdmatt_core.spec import ArraySpec, Port

SIZE = (2000, 3000)


def placeholders(document: Document, given: Mapping[str, ArraySpec] | None = None) -> dict[str, ArraySpec]:
    """The inputs: those ``given``, and for each of the others a stand-in of their size, or of SIZE (H, W)."""
    size = next((spec.shape[:2] for spec in (given or {}).values()), SIZE)
    stand_ins = {name: _stand_in(node.kind, size) for name, node in document.inputs.items()}
    return {**stand_ins, **(given or {})}


def _stand_in(role: Role, size: tuple[int, ...]) -> ArraySpec:
    return ArraySpec(("y", "x", "c"), (*size, 3), "uint8") if role == "image" else ArraySpec(("y", "x"), size, "uint8")


@dataclass
class Findings:
    """The specs that could be inferred, what is wrong, and what went wrong inside of stages."""

    specs: dict[Ref, ArraySpec] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    failures: list[StageError] = field(default_factory=list)


def infer_specs(document: Document, drafts: Sequence[Draft], inputs: Mapping[str, ArraySpec]) -> Findings:
    """Infer in the order of ``drafts``. What follows a fault is judged by what its ports declare, not inferred."""
    findings = Findings({Ref(name): spec for name, spec in inputs.items()})
    for draft in drafts:
        faults = [
            *_unwired(document, draft, drafts, findings.specs),
            *_wrong_arrays(document, draft, drafts, findings.specs),
            *_wrong_grids(document, draft, findings.specs),
        ]
        findings.faults += faults
        if not faults and draft.stage and all(ref in findings.specs for ref in draft.wires.values()):
            _infer(document, draft, findings)
    return findings


def _infer(document: Document, draft: Draft, findings: Findings) -> None:
    assert draft.stage is not None
    path = ("stages", draft.name)
    try:
        given = draft.stage.infer({port: findings.specs[ref] for port, ref in draft.wires.items()})
        _check_given(draft, given)
    except UserError as error:
        findings.faults.append(Fault(document.mark(path, key=True), draft.who, error.message, error.detail))
    except Exception as error:
        findings.failures.append(stage_failure(document.place(path), draft.who, draft.type, "infer", error))
    else:
        findings.specs |= {Ref(draft.name, port): given[port] for port in draft.stage.outputs}


def _check_given(draft: Draft, given: Mapping[str, ArraySpec]) -> None:
    """TypeError, for it is the stage's mistake, where ``infer`` contradicts the declared outputs."""
    assert draft.stage is not None
    declared = draft.stage.outputs
    if given.keys() != declared.keys():
        raise TypeError(f"infer gave the outputs {sorted(given)}, declared are {sorted(declared)}")
    for name, port in declared.items():
        _check_form(name, given[name])
        if not port.accepts(given[name]):
            wanted, gave = (" ".join(each.describe().split()) for each in (port, given[name]))
            raise TypeError(f"infer gave {gave} for output {name!r}, declared is {wanted}")


def _check_form(name: str, spec: ArraySpec) -> None:
    """TypeError where a spec describes no array."""
    if not isinstance(spec, ArraySpec):
        raise TypeError(f"infer gave {type(spec).__name__} for output {name!r} instead of an ArraySpec")
    whole = all(isinstance(side, int | np.integer) and side >= 0 for side in spec.shape)
    if len(spec.shape) != len(spec.dims) or not whole:
        raise TypeError(f"infer gave the shape {spec.shape} for output {name!r} of axes {','.join(spec.dims)}")
    if spec.over_tiles and spec.grid is None:
        raise TypeError(f"infer gave no grid for output {name!r}, which is over tiles")
    np.dtype(spec.dtype)


def _unwired(
    document: Document, draft: Draft, drafts: Sequence[Draft], specs: Mapping[Ref, ArraySpec]
) -> Iterator[Fault]:
    for name in draft.unwired:
        assert draft.type is not None
        port = draft.type.stage.inputs[name]
        path = ("stages", draft.name, "in") if document.stages[draft.name].wires else ("stages", draft.name)
        advice = suggestion(name, port, name, draft, drafts, specs)
        detail = (f"wants  {port.describe()}", *filter(None, [advice]))
        yield Fault(document.mark(path, key=True), f"{draft.who}, input {name!r}", "not wired", detail)


def _wrong_arrays(
    document: Document, draft: Draft, drafts: Sequence[Draft], specs: Mapping[Ref, ArraySpec]
) -> Iterator[Fault]:
    by_name = {d.name: d for d in drafts}
    for name, ref in draft.wires.items():
        port = draft.type.stage.inputs.get(name) if draft.type else None
        given = origin(ref, by_name, specs)
        if port is None or given is None or fits(port, given):
            continue
        path = ("stages", draft.name, "in", name)
        section = "stages" if ref.port else "inputs"
        line = document.mark((section, ref.node), key=True).line
        yield Fault(
            document.mark(path),
            f"{draft.who}, input {name!r}",
            detail=(
                *_wants_gets(port, given, f"from {str(ref)!r} (line {line})"),
                *filter(None, [suggestion(name, port, str(ref), draft, drafts, specs)]),
            ),
        )


def _wants_gets(port: Port, given: ArraySpec | Port, source: str) -> tuple[str, str]:
    wanted, gave = port.describe(), given.describe()
    width = max(len(wanted), len(gave))
    return f"wants  {wanted}".rstrip(), f"gets   {gave:<{width}}   {source}"


def _wrong_grids(document: Document, draft: Draft, specs: Mapping[Ref, ArraySpec]) -> Iterator[Fault]:
    """All arrays over tiles that one stage of a fixed kind reads must be over the same tiles."""
    if draft.type is None or draft.type.stage.kind not in KINDS:
        return
    grids = [(name, ref, specs[ref].grid) for name, ref in draft.wires.items() if ref in specs]
    tiled = [(name, ref, grid) for name, ref, grid in grids if grid is not None]
    for name, ref, grid in tiled[1:]:
        first, first_ref, first_grid = tiled[0]
        if grid != first_grid:
            yield Fault(
                document.mark(("stages", draft.name, "in", name)),
                f"{draft.who}, input {name!r}",
                f"{str(ref)!r} lies on another grid of tiles than {str(first_ref)!r}, its input {first!r}",
            )
