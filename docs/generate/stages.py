"""The reference of stages, from their docstrings, ports and parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping

from pydantic.fields import FieldInfo

from hdmatt_core import kinds
from hdmatt_core.registry import Registry
from hdmatt_core.spec import Input, Port
from hdmatt_core.stage import StageType

INTRODUCTION = """# Stages

Every stage that comes with hdmatt, by kind. Stages of one kind have the same ports: to exchange one for another is to
change its `use:` line. `hdmatt stages` prints this list with the stages of installed plug-ins, `hdmatt stages NAME`
one of them in full.
"""

SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "a multiple of"}


def page(registry: Registry) -> str:
    """The page, in Markdown: a section for every kind, a subsection for every stage."""
    names = registry.names()
    found = sorted({registry.stage(name).stage.kind for name in names}, key=_rank)
    sections = [section(kind, [registry.stage(name) for name in registry.names(kind)]) for kind in found]
    return "\n".join([INTRODUCTION, *sections])


def section(kind: str, types: Iterable[StageType]) -> str:
    """One kind: what it is for, and its stages."""
    base = next((c for c in vars(kinds).values() if inspect.isclass(c) and vars(c).get("kind") == kind), None)
    told = [prose(base)] if base is not None else ["A free kind: it has the ports that its stage declares."]
    return "\n".join([f"## {kind}", "", *told, "", *(stage(type_) for type_ in types)])


def stage(type_: StageType) -> str:
    """One stage: its docstring, its parameters, its ports."""
    declared = type_.stage.Params.model_fields
    lines = [f"### `{type_.name}`", "", prose(type_.stage), ""]
    lines += table(("parameter", "type", "default", ""), [parameter(name, field) for name, field in declared.items()])
    lines += table(("input", "array", ""), ports(type_.stage.inputs))
    lines += table(("output", "array", ""), ports(type_.stage.outputs))
    return "\n".join(lines)


def parameter(name: str, field: FieldInfo) -> tuple[str, ...]:
    limits = ", ".join(words for limit in field.metadata if (words := bound(limit)))
    annotation = inspect.formatannotation(field.annotation).replace("typing.", "").replace("pathlib.", "")
    default = "required" if field.is_required() else f"`{field.get_default()!r}`"
    return f"`{name}`", f"`{annotation}`{f' ({limits})' if limits else ''}", default, field.description or ""


def bound(limit: object) -> str:
    """A bound on a parameter's value, as ``≥ 1``; empty for what is not a bound."""
    return ", ".join(f"{sign} {getattr(limit, name)}" for name, sign in SIGNS.items() if hasattr(limit, name))


def ports(declared: Mapping[str, Port]) -> list[tuple[str, ...]]:
    return [
        (f"`{name}`", f"`{' '.join(port.describe().split())}`", port.doc + (" (optional)" if optional(port) else ""))
        for name, port in declared.items()
    ]


def optional(port: Port) -> bool:
    return isinstance(port, Input) and port.optional


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A Markdown table and an empty line, or nothing where there are no rows."""
    lines = [bar(cell.replace("|", "\\|") for cell in row) for row in rows]
    return [bar(head), bar("---" for _ in head), *lines, ""] if lines else []


def bar(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def prose(thing: type) -> str:
    """A docstring as Markdown: roles become code, literal blocks stay indented."""
    text = inspect.cleandoc(thing.__doc__ or "")
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
    return re.sub(r"::$", ":", text, flags=re.MULTILINE)


def _rank(kind: str) -> tuple[int, str]:
    order = (*kinds.KINDS[:-2], "", *kinds.KINDS[-2:])  # free kinds before files
    return order.index(kind) if kind in order else order.index(""), kind
