"""pydantic's errors in words: one line per value, with what was given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hdmatt_core.errors import did_you_mean
from hdmatt_core.pipeline.faults import sentence
from hdmatt_core.pipeline.marks import Keys

Model = TypeVar("Model", bound=BaseModel)

NO_SUCH_NAME = "no such name"


def validated(model: type[Model], value: object) -> Model:
    """``value``, read from YAML, as a ``model``: strictly, so that neither ``true`` nor ``"3"`` is a number.

    Raises pydantic's ValidationError.
    """
    return model.model_validate_json(json.dumps(value), strict=True)


def complaints(error: ValidationError, value: object, known: Iterable[str]) -> Iterator[tuple[Keys, str]]:
    """Keys inside ``value`` and message of every value that is wrong; ``known`` are the names allowed at the top."""
    by_path: dict[Keys, list[str]] = {}
    for detail in error.errors(include_url=False):
        by_path.setdefault(_path(detail, value), []).append(_words(detail, known))
    for path, words in by_path.items():
        yield path, " or ".join(dict.fromkeys(words))


def _path(detail: ErrorDetails, value: Any) -> Keys:
    """pydantic's location without the names of union members, which are no part of the data."""
    path: Keys = ()
    for step in detail["loc"]:
        if not _holds(value, step):
            break
        value = value[step]
        path = (*path, step)
    return (*path, detail["loc"][-1]) if detail["type"] == "missing" else path


def _holds(value: object, step: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(step, int) and step < len(value)
    return isinstance(value, Mapping) and step in value


def _words(detail: ErrorDetails, known: Iterable[str]) -> str:
    kind = detail["type"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        names = list(known)
        near = did_you_mean(str(detail["loc"][-1]), names)
        return sentence(NO_SUCH_NAME, near or f"there are {', '.join(names)}" if names else "none is taken here")
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    message = message.replace("Input should be", "must be").replace("Object has no attribute", "has no")
    message = message.replace("a valid dictionary", "a mapping").replace("an object", "a mapping")
    return f"{message}, not {shown(detail['input'])}"


def shown(value: Any) -> str:
    """A value as it would be written in YAML, shortened."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."
