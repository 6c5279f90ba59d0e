"""Inputs: the source that reads a file as the document's input says."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from hdmatt_core.errors import UserError
from hdmatt_core.kinds import Source
from hdmatt_core.pipeline.document import Document, InputNode
from hdmatt_core.pipeline.failure import stage_failure
from hdmatt_core.pipeline.faults import DocumentError, Fault
from hdmatt_core.pipeline.parameters import params_faults, read_params
from hdmatt_core.registry import Registry
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import StageType


def check_input(document: Document, registry: Registry, name: str, node: InputNode) -> list[Fault]:
    """Faults of an input that names its source; one that does not is judged when its file is known."""
    if node.use is None:
        return []
    mark = document.mark(("inputs", name, "use"))
    try:
        type_ = registry.stage(node.use)
    except UserError as error:
        return [Fault(mark, f"input {name!r}", error.message, error.detail)]
    if not issubclass(type_.stage, Source):
        sources = ", ".join(registry.names("source"))
        return [Fault(mark, f"input {name!r}", f"{node.use!r} is no source; there are {sources}")]
    try:
        _source(document, type_, name, node, Path(name))
    except DocumentError as error:
        return list(error.faults)
    return []


def open_source(document: Document, registry: Registry, name: str, path: Path) -> Source:
    """The source that reads the file at ``path`` as the document's input ``name``; no pixel is read.

    Raises UserError if no source reads such a file, DocumentError if the input's parameters are not the source's.
    """
    node = document.inputs[name]
    type_ = registry.stage(node.use) if node.use else registry.source_for(path)
    return _source(document, type_, name, node, path)


def input_spec(document: Document, registry: Registry, name: str, path: Path) -> ArraySpec:
    """What the file at ``path`` is as the document's input ``name``; metadata only.

    Raises UserError, StageError if the source itself fails.
    """
    source = open_source(document, registry, name, path)
    try:
        return source.infer({})["pixels"]
    except UserError:
        raise
    except Exception as error:
        type_ = registry.stage(document.inputs[name].use or registry.source_for(path).name)
        raise stage_failure(str(path), f"input {name!r} ({type_.name})", type_, "infer", error) from error


def _source(document: Document, type_: StageType, name: str, node: InputNode, path: Path) -> Source:
    given = {**node.params, "path": str(path.absolute()), "role": node.kind}
    where = ("inputs", name, "params")
    try:
        source = type_.stage(read_params(document, type_.stage.Params, given, where))
    except ValidationError as error:
        who = f"input {name!r} ({type_.name})"
        faults = params_faults(document, error, type_.stage.Params, given, where, who)
        raise DocumentError(document.file, faults) from None
    assert isinstance(source, Source)
    return source
