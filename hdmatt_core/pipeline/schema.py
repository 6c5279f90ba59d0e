"""The JSON schema of pipeline files, for editors: every installed stage with its parameters and ports."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from typing import Any, get_args

from pydantic.json_schema import models_json_schema

from hdmatt_core.kinds import Role
from hdmatt_core.pipeline.form import NAME, VERSION
from hdmatt_core.registry import Registry
from hdmatt_core.stage import StageType

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = rf"^{NAME.pattern}(\.{NAME.pattern})?$"


def json_schema(registry: Registry) -> Schema:
    """A schema of draft 2020-12: the form of a document, and for each ``use`` its parameters and inputs."""
    inputs = _types(registry, "source")
    stages = [type_ for type_ in _types(registry) if type_.stage.kind not in ("source", "sink")]
    params, definitions = _params(stages)
    return {
        "$schema": DIALECT,
        "title": "A pipeline of hdmatt",
        "type": "object",
        "required": ["pipeline", "inputs", "stages", "outputs"],
        "additionalProperties": False,
        "properties": {
            "pipeline": {"const": VERSION, "description": "Version of this format."},
            "weights": {"type": ["string", "null"], "description": "Name of shipped weights, or a safetensors file."},
            "inputs": _named({"$ref": "#/$defs/input"}, "What the pipeline reads."),
            "stages": _named({"$ref": "#/$defs/stage"}, "What it does; the order is free."),
            "outputs": _named(_reference("A stage, or one of its outputs."), "What it gives."),
        },
        "$defs": {"input": _input(inputs), "stage": _stage(stages, params), **definitions},
    }


def schema_text(registry: Registry) -> str:
    """The schema as a file."""
    return json.dumps(json_schema(registry), indent=2) + "\n"


def first_line(documented: object) -> str:
    """The first sentence of a docstring."""
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def _types(registry: Registry, kind: str | None = None) -> list[StageType]:
    return [registry.stage(name) for name in registry.names(kind)]


def _params(stages: Sequence[StageType]) -> tuple[dict[str, Schema], Schema]:
    """The schema of each stage's parameters by its name, and the definitions they refer to."""
    models = {type_.name: type_.stage.Params for type_ in stages}
    by_model, whole = models_json_schema([(model, "validation") for model in dict.fromkeys(models.values())])
    return {name: by_model[model, "validation"] for name, model in models.items()}, whole.get("$defs", {})


def _named(values: Schema, description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{NAME.pattern}$"},
        "additionalProperties": values,
    }


def _reference(description: str) -> Schema:
    return {"type": "string", "pattern": REFERENCE, "description": description}


def _chosen(types: Sequence[StageType]) -> Schema:
    """One of the names, each with its description where the editor shows it."""
    return {"oneOf": [{"const": type_.name, "description": first_line(type_.stage)} for type_ in types]}


def _input(sources: Sequence[StageType]) -> Schema:
    return {
        "type": "object",
        "required": ["kind"],
        "additionalProperties": False,
        "properties": {
            "kind": {"enum": list(get_args(Role)), "description": "What the file is read as."},
            "use": {**_chosen(sources), "description": "The source; by default it is told from the file."},
            "params": {"type": ["object", "null"], "description": "The source's parameters."},
        },
    }


def _stage(stages: Sequence[StageType], params: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "required": ["use"],
        "additionalProperties": False,
        "properties": {
            "use": _chosen(stages),
            "params": {"type": ["object", "null"]},
            "in": {"type": ["object", "null"]},
        },
        "allOf": [
            {
                "if": {"required": ["use"], "properties": {"use": {"const": type_.name}}},
                "then": _then(type_, params[type_.name]),
            }
            for type_ in stages
        ],
    }


def _then(type_: StageType, params: Schema) -> Schema:
    ports = type_.stage.inputs
    wires = {
        "type": "object",
        "required": [name for name, port in ports.items() if not port.optional],
        "additionalProperties": False,
        "properties": {name: _reference(f"{port.describe()} {port.doc}".strip()) for name, port in ports.items()},
    }
    needed = any(field.is_required() for field in type_.stage.Params.model_fields.values())
    required = [*(["in"] if wires["required"] else []), *(["params"] if needed else [])]
    return {"required": required, "properties": {"params": {"anyOf": [params, {"type": "null"}]}, "in": wires}}
