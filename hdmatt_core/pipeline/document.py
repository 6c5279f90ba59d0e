"""A pipeline file as a frozen document: its form is checked, and it knows where everything stands."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from hdmatt_core.errors import UserError
from hdmatt_core.kinds import Role
from hdmatt_core.pipeline import marks
from hdmatt_core.pipeline.faults import Fault, Mark
from hdmatt_core.pipeline.find import find_pipeline
from hdmatt_core.pipeline.form import read_form
from hdmatt_core.pipeline.marks import Marks, read_yaml
from hdmatt_core.pipeline.overrides import override


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputNode(_Part):
    """An input: what it is read as, and if its file's format is not to be guessed, the source and its parameters."""

    kind: Role
    use: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)


class StageNode(_Part):
    """A stage: its type, parameters, and for each input port the reference of what is wired to it."""

    use: str
    params: dict[str, Any] = Field(default_factory=dict)
    wires: dict[str, str] = Field(default_factory=dict, alias="in")


class Document(_Part):
    """A pipeline: frozen, with overrides applied; ``model_dump(mode="json", by_alias=True)`` gives it back.

    ``weights`` is a name or an absolute path. ``faults`` are mistakes of form that left the rest readable: what
    they concern is left out and named in ``broken``, and :func:`hdmatt_core.pipeline.graph.build_graph` raises them
    together with its own.
    """

    pipeline: Literal[1] = 1
    weights: str | None = None
    inputs: dict[str, InputNode] = Field(default_factory=dict)
    stages: dict[str, StageNode] = Field(default_factory=dict)
    outputs: dict[str, str] = Field(default_factory=dict)

    _file: str = PrivateAttr(default="")
    _folder: Path = PrivateAttr(default_factory=Path)
    _marks: Marks = PrivateAttr(default_factory=Marks)
    _faults: tuple[Fault, ...] = PrivateAttr(default=())
    _broken: frozenset[marks.Keys] = PrivateAttr(default=frozenset())

    @property
    def file(self) -> str:
        """The file's name as shown in messages."""
        return self._file

    @property
    def faults(self) -> tuple[Fault, ...]:
        return self._faults

    @property
    def broken(self) -> frozenset[marks.Keys]:
        """Paths of what stands in the file but could not be read: inputs, stages, wires of stages."""
        return self._broken

    def mark(self, path: marks.Keys, *, key: bool = False) -> Mark:
        """Where the value at ``path`` stands, ``("stages", "fuse", "in", "features")``; or its key."""
        return self._marks.key(path) if key else self._marks.value(path)

    def place(self, path: marks.Keys) -> str:
        """``file:line:column`` of the key at ``path``, or the ``--set`` that it comes from."""
        return self._marks.key(path).place(self._file)

    def folder(self, path: marks.Keys) -> Path:
        """What a relative file name at ``path`` is relative to: the pipeline file's folder, or for ``--set`` here."""
        return Path.cwd() if self._marks.value(path).override else self._folder


def load_document(pipeline: str | Path, overrides: Sequence[str] = ()) -> Document:
    """Read the pipeline called or stored at ``pipeline``, with settings such as ``pick.k=5`` put in.

    Raises UserError where there is no such file, DocumentError where it is not YAML or has no sections at all.
    """
    path = find_pipeline(pipeline)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8, so no pipeline") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    return parse_document(text, _shown(path), path.resolve().parent, overrides)


def parse_document(text: str, file: str, folder: Path, overrides: Sequence[str] = ()) -> Document:
    """Read a pipeline from ``text``; ``file`` is its name in messages, ``folder`` what its paths are relative to."""
    reading = read_yaml(text, file)
    override(reading, overrides)
    form = read_form(reading, file, InputNode, StageNode)
    document = Document(weights=form.weights, inputs=form.inputs, stages=form.stages, outputs=form.outputs)
    document._file, document._folder, document._marks = file, folder, reading.marks
    document._faults, document._broken = tuple(form.faults), frozenset(form.broken)
    return _with_weights(document)


def _with_weights(document: Document) -> Document:
    """The document with its weights made absolute where they are a file and not a name."""
    weights = document.weights
    if weights is None or not (weights.endswith(".safetensors") or "/" in weights or os.sep in weights):
        return document
    return document.model_copy(update={"weights": str(document.folder(("weights",)) / weights)})


def _shown(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
