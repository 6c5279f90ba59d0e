"""``hdmatt stages`` and ``plugins``: what is installed, and what is wrong with it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from hdmatt_core.cli.table import show_table
from hdmatt_core.errors import HdmattWarning, UserError
from hdmatt_core.kinds import Sink, Source
from hdmatt_core.pipeline.readable import shown
from hdmatt_core.registry import Registry
from hdmatt_core.spec import Port
from hdmatt_core.stage import StageType


def stages(
    name: Annotated[str | None, typer.Argument(help="A stage to describe in full; default: list all.")] = None,
    kind: Annotated[str | None, typer.Option(help="List the stages of one kind only: sampler, blender, ...")] = None,
) -> None:
    """List the stages that a pipeline can use, or describe one: ports, parameters, what it does.

    [bold]Examples[/bold]

    hdmatt stages --kind sampler

    hdmatt stages sampler.topk
    """
    registry = Registry.load()
    if name is not None:
        typer.echo("\n".join(_description(registry.stage(name))))
        return
    types = [registry.stage(each) for each in registry.names(kind)]
    if not types:
        kinds = sorted({each.partition(".")[0] for each in registry.names()})
        raise UserError(f"there is no stage of kind '{kind}'; there are {', '.join(kinds)}")
    rows = [(t.name, _signature(t), _first_line(t), t.distribution) for t in types]
    show_table(("stage", "parameters", "what it does", "from"), rows)


def plugins() -> None:
    """List the installed distributions that bring stages, with their versions and what is wrong with them.

    [bold]Example[/bold]

    hdmatt plugins
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HdmattWarning)  # they are listed below
        registry = Registry.load()
    brought: dict[str, list[str]] = {problem.distribution: [] for problem in registry.problems}
    for name in registry.names():
        brought.setdefault(registry.stage(name).distribution, []).append(name)
    show_table(("distribution", "stages"), [(d, ", ".join(names) or "none") for d, names in sorted(brought.items())])
    for problem in registry.problems:
        typer.echo(f"problem: {problem}")


def _fields(type_: StageType) -> Iterator[tuple[str, str, str]]:
    """Name, default and description of every parameter that YAML may set."""
    reserved = {"path", "role", "depth"} if issubclass(type_.stage, Source | Sink) else set()
    for name, field in type_.stage.Params.model_fields.items():
        if name not in reserved:
            default = "required" if field.is_required() else shown(field.get_default(call_default_factory=True))
            yield name, default, field.description or ""


def _signature(type_: StageType) -> str:
    return " ".join(name if default == "required" else f"{name}={default}" for name, default, _ in _fields(type_))


def _first_line(type_: StageType) -> str:
    return _doc(type_).partition("\n")[0]


def _doc(type_: StageType) -> str:
    """The docstring without its marks of code, which a terminal does not render."""
    return (inspect.getdoc(type_.stage) or "").replace("``", "")


def _description(type_: StageType) -> Iterator[str]:
    yield f"{type_.name}  ({type_.distribution})"
    yield ""
    yield from _doc(type_).splitlines()
    yield from _ports("inputs", type_.stage.inputs)
    if not issubclass(type_.stage, Source):
        yield from _ports("outputs", type_.stage.outputs)
    schema = type_.stage.Params.model_json_schema().get("properties", {})
    rows = [(n, _limits(schema.get(n, {})), d, text) for n, d, text in _fields(type_)]
    if rows:
        yield from ("", "parameters")
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        for name, limits, default, text in rows:
            yield f"  {name:<{widths[0]}}  {limits:<{widths[1]}}  {default:<{widths[2]}}  {text}".rstrip()
    if issubclass(type_.stage, Source | Sink):
        yield from ("", f"files: {', '.join(type_.stage.suffixes)}")


def _ports(title: str, ports: Mapping[str, Port]) -> Iterator[str]:
    if not ports:
        return
    yield from ("", title)
    width = max(map(len, ports))
    for name, port in ports.items():
        doc = f"{port.doc} (optional)".strip() if getattr(port, "optional", False) else port.doc
        yield f"  {name:<{width}}  {port.describe()}  {doc}".rstrip()


def _limits(schema: Mapping[str, Any]) -> str:
    """Type and range of a parameter: ``integer 1..64``, ``number > 0``, ``a | b``."""
    if "anyOf" in schema:
        return " or ".join(_limits(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum", [schema.get("const")])))
    bounds = [f"{sign} {schema[key]}" for key, sign in _BOUNDS.items() if key in schema]
    return " ".join([str(schema.get("type", "any")), ", ".join(bounds)]).strip()


_BOUNDS = {
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
    "multipleOf": "a multiple of",
}
