"""``hdmatt check``, ``draw`` and ``schema``: pipelines looked at without a pixel being read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hdmatt_core.cli.words import pairs
from hdmatt_core.errors import UserError, did_you_mean
from hdmatt_core.pipeline.document import Document, load_document
from hdmatt_core.pipeline.draft import Ref
from hdmatt_core.pipeline.draw import draw as mermaid
from hdmatt_core.pipeline.draw import fenced
from hdmatt_core.pipeline.faults import sentence
from hdmatt_core.pipeline.graph import Graph, build_graph
from hdmatt_core.pipeline.inference import placeholders
from hdmatt_core.pipeline.schema import schema_text
from hdmatt_core.pipeline.sources import input_spec
from hdmatt_core.registry import Registry
from hdmatt_core.spec import ArraySpec

if TYPE_CHECKING:
    from hdmatt_core.pipeline.passes import Pass

Pipeline = Annotated[str, typer.Argument(help="A pipeline's name (hdmatt, quick, ...) or a YAML file.")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", metavar="NAME=PATH", help="A file for an input, of which only the header is read."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="STAGE.PARAM=VALUE", help="Override a parameter of the pipeline: --set pick.k=5."),
]


def check(pipeline: Pipeline, inputs: Inputs = None, settings: Set = None) -> None:
    """Check a pipeline and report all its faults at once, with their lines.

    Without -i the inputs are taken to be 2000 x 3000 pixels.

    [bold]Examples[/bold]

    hdmatt check mine.yaml

    hdmatt check hdmatt -i image=photo.jpg -i trimap=trimap.png --set pick.k=5
    """
    graph, specs = _checked(pipeline, inputs, settings)
    typer.echo(f"{graph.document.file}: holds, {len(graph.nodes)} stages")
    arrays = [*((name, Ref(name)) for name in graph.inputs), *graph.outputs.items()]
    width = max(len(name) for name, _ in arrays)
    for name, ref in arrays:
        size = " x ".join(map(str, specs[ref].shape))
        role = "input" if not ref.port else "output"
        typer.echo(f"  {role:<6}  {name:<{width}}  {specs[ref].describe()}   {size}".rstrip())


def draw(
    pipeline: Pipeline,
    inputs: Inputs = None,
    settings: Set = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A .md or .mmd file; default: standard output."),
    ] = None,
    passes: Annotated[
        bool, typer.Option("--passes", help="Frame the stages that run in one task, as the plan has them.")
    ] = False,
) -> None:
    """Draw a pipeline as a mermaid flowchart, every edge labelled with what it carries.

    [bold]Examples[/bold]

    hdmatt draw hdmatt -o pipeline.md

    hdmatt draw hdmatt --passes
    """
    graph, specs = _checked(pipeline, inputs, settings)
    drawing = mermaid(graph, specs, _passes(graph, specs) if passes else ())
    if output is not None and output.suffix not in (".md", ".mmd"):
        raise UserError(f"{output}: a drawing is written to a .md or a .mmd file")
    _write(output, fenced(drawing) if output is not None and output.suffix == ".md" else drawing)


def _passes(graph: Graph, specs: Mapping[Ref, ArraySpec]) -> Sequence[Pass]:
    from hdmatt_core.pipeline.passes import lay_out

    return lay_out(graph, specs, graph.outputs.values())


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="A .json file; default: standard output.")
    ] = None,
) -> None:
    """Write the JSON schema of pipeline files: with it an editor completes and checks stages and parameters.

    [bold]Example[/bold]

    hdmatt schema -o hdmatt.schema.json, and in the first line of the YAML file:

    # yaml-language-server: $schema=hdmatt.schema.json
    """
    _write(output, schema_text(Registry.load()))


def _checked(
    pipeline: str, inputs: list[str] | None, settings: list[str] | None
) -> tuple[Graph, Mapping[Ref, ArraySpec]]:
    document, registry = load_document(pipeline, settings or ()), Registry.load()
    given = _given(document, registry, pairs("-i", inputs))
    graph = build_graph(document, registry, given)
    return graph, graph.specs(placeholders(document, given))


def _given(document: Document, registry: Registry, files: Mapping[str, Path]) -> dict[str, ArraySpec]:
    for name in files:
        if name not in document.inputs:
            advice = did_you_mean(name, document.inputs) or f"there are {', '.join(document.inputs)}"
            raise UserError(sentence(f"-i {name}={files[name]}: {document.file} has no input {name!r}", advice))
    return {name: input_spec(document, registry, name, path) for name, path in files.items()}


def _write(output: Path | None, text: str) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    if output.exists():
        raise UserError(f"{output} exists; delete it, or give another file")
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{output}: {error.strerror}") from error
