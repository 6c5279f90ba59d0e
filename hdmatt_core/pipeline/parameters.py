"""A stage from its parameters as written in YAML."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hdmatt_core.errors import StageError, UserError
from hdmatt_core.pipeline import marks
from hdmatt_core.pipeline.document import Document
from hdmatt_core.pipeline.draft import Draft
from hdmatt_core.pipeline.failure import stage_failure
from hdmatt_core.pipeline.faults import Fault
from hdmatt_core.pipeline.readable import NO_SUCH_NAME, complaints, validated
from hdmatt_core.stage import Stage


def build_stage(document: Document, draft: Draft, faults: list[Fault], failures: list[StageError]) -> Stage | None:
    """The stage of ``draft``, whose type is known; None after adding to ``faults`` or ``failures``."""
    assert draft.type is not None
    path = ("stages", draft.name, "params")
    model = draft.type.stage.Params
    given = document.stages[draft.name].params
    try:
        return draft.type.stage(read_params(document, model, given, path))
    except ValidationError as error:
        faults += params_faults(document, error, model, given, path, draft.who)
    except UserError as error:
        faults.append(Fault(document.mark(path, key=True), draft.who, error.message, error.detail))
    except Exception as error:
        failures.append(stage_failure(document.place(path), draft.who, draft.type, "its parameters", error))
    return None


def read_params(document: Document, model: type[Stage.Params], given: dict[str, Any], path: marks.Keys) -> Stage.Params:
    """Validated parameters, file names made absolute; pydantic's ValidationError, and what a validator raises."""
    absolute = {name: _absolute(document, model, name, value, path) for name, value in given.items()}
    return validated(model, absolute)


def _absolute(document: Document, model: type[Stage.Params], name: str, value: Any, path: marks.Keys) -> Any:
    if isinstance(value, str) and name in model.model_fields:
        annotation = model.model_fields[name].annotation
        if annotation is Path or Path in typing.get_args(annotation):
            return str(document.folder((*path, name)) / value)
    return value


def params_faults(
    document: Document,
    error: ValidationError,
    model: type[Stage.Params],
    given: dict[str, Any],
    path: marks.Keys,
    who: str,
) -> list[Fault]:
    """One fault per parameter that is wrong."""
    faults = []
    for inside, words in complaints(error, given, model.model_fields):
        name = ".".join(map(str, inside))
        mark = document.mark((*path, *inside), key=words.startswith(NO_SUCH_NAME))
        faults.append(Fault(mark, f"{who}, parameter {name!r}" if name else who, words))
    return faults
