"""Inputs: the source that reads a file as the document's input says."""

from __future__ import annotations

import re
from collections.abc import Mapping
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

_LEVEL = re.compile(r"(.+)#level=(\d+)")


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
        _source(document, type_, name, node, Path(name), {})
    except DocumentError as error:
        return list(error.faults)
    return []


def open_source(document: Document, registry: Registry, name: str, path: Path) -> Source:
    """The source that reads the file at ``path`` as the document's input ``name``; no pixel is read.

    ``#level=1`` behind a name picks a level of a pyramid, whatever the document says. Raises UserError if no source
    reads such a file, DocumentError if the input's parameters are not the source's.
    """
    path, level = addressed(path)
    node = document.inputs[name]
    type_ = registry.stage(node.use) if node.use else registry.source_for(path)
    return _source(document, type_, name, node, path, level)


def addressed(path: Path) -> tuple[Path, Mapping[str, int]]:
    """The file that ``path`` means, and the level that stands behind its name, as in ``scan.ome.zarr#level=1``."""
    found = _LEVEL.fullmatch(path.name)
    if found is None or path.exists():
        return path, {}
    return path.with_name(found[1]), {"level": int(found[2])}


def input_spec(document: Document, registry: Registry, name: str, path: Path) -> ArraySpec:
    """What the file at ``path`` is as the document's input ``name``; metadata only.

    Raises UserError, StageError if the source itself fails.
    """
    source = open_source(document, registry, name, path)
    path, _ = addressed(path)
    try:
        return source.infer({})["pixels"]
    except UserError:
        raise
    except Exception as error:
        type_ = registry.stage(document.inputs[name].use or registry.source_for(path).name)
        raise stage_failure(str(path), f"input {name!r} ({type_.name})", type_, "infer", error) from error


def _source(
    document: Document, type_: StageType, name: str, node: InputNode, path: Path, level: Mapping[str, int]
) -> Source:
    given = {**node.params, **level, "path": str(path.absolute()), "role": node.kind}
    where = ("inputs", name, "params")
    try:
        source = type_.stage(read_params(document, type_.stage.Params, given, where))
    except ValidationError as error:
        who = f"input {name!r} ({type_.name})"
        faults = params_faults(document, error, type_.stage.Params, given, where, who)
        raise DocumentError(document.file, faults) from None
    assert isinstance(source, Source)
    return source
