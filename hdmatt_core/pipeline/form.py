"""The form of a document: sections, names, types. What breaks it is left out, and said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from hdmatt_core.errors import did_you_mean
from hdmatt_core.pipeline.faults import DocumentError, Fault, Mark, sentence
from hdmatt_core.pipeline.marks import Keys, Reading
from hdmatt_core.pipeline.readable import NO_SUCH_NAME, complaints, shown, validated

VERSION = 1
SECTIONS = ("pipeline", "weights", "inputs", "stages", "outputs")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

InputModel = TypeVar("InputModel", bound=BaseModel)
StageModel = TypeVar("StageModel", bound=BaseModel)
Model = TypeVar("Model", bound=BaseModel)


@dataclass
class Form(Generic[InputModel, StageModel]):
    """What could be read, the names of what could not, and the faults."""

    weights: str | None = None
    inputs: dict[str, InputModel] = field(default_factory=dict)
    stages: dict[str, StageModel] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    broken: set[Keys] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)


def read_form(
    reading: Reading, file: str, input_node: type[InputModel], stage_node: type[StageModel]
) -> Form[InputModel, StageModel]:
    """Check the form of ``reading``; DocumentError where it holds no sections at all."""
    if not isinstance(reading.value, dict):
        what = f"a pipeline holds the sections {', '.join(SECTIONS)}"
        raise DocumentError(file, [*reading.faults, Fault(Mark(1, 1), "", what)])
    form: Form[InputModel, StageModel] = Form(faults=list(reading.faults))
    check = _Check(reading, form.faults, form.broken)
    check.header()
    form.weights = check.weights()
    form.inputs = check.nodes("inputs", "input", input_node)
    form.stages = check.nodes("stages", "stage", stage_node)
    form.outputs = check.outputs()
    for name in form.inputs.keys() & form.stages.keys():
        check.fault(("stages", name), f"stage {name!r}", "an input has this name too; rename one", key=True)
        form.broken |= {("inputs", name), ("stages", name)}
        del form.inputs[name], form.stages[name]
    return form


class _Check:
    """One method per rule; each adds its faults."""

    def __init__(self, reading: Reading, faults: list[Fault], broken: set[Keys]) -> None:
        self.tree: Mapping[str, Any] = reading.value
        self.marks, self.faults, self.broken = reading.marks, faults, broken

    def fault(self, path: Keys, who: str, what: str, *, key: bool = False) -> None:
        mark = self.marks.key(path) if key else self.marks.value(path)
        self.faults.append(Fault(mark, who, what))

    def header(self) -> None:
        for name in self.tree:
            if name not in SECTIONS:
                advice = did_you_mean(name, SECTIONS) or f"there are {', '.join(SECTIONS)}"
                self.fault((name,), "", sentence(f"no section {name!r}", advice), key=True)
        version = self.tree.get("pipeline")
        if version is None:
            self.fault((), "", f"the version of the format is missing; begin with 'pipeline: {VERSION}'")
        elif version is True or version != VERSION:
            newer = isinstance(version, int) and version > VERSION
            advice = "upgrade hdmatt: pip install -U hdmatt" if newer else f"write 'pipeline: {VERSION}'"
            self.fault(("pipeline",), "pipeline", f"no version {shown(version)} of the format is known; {advice}")

    def weights(self) -> str | None:
        weights = self.tree.get("weights")
        if weights is None or isinstance(weights, str):
            return weights
        self.broken.add(("weights",))
        self.fault(("weights",), "weights", f"must be a name or a file, not {shown(weights)}")
        return None

    def nodes(self, section: str, who: str, model: type[Model]) -> dict[str, Model]:
        result: dict[str, Model] = {}
        for name, value in self._section(section):
            node = self._node((section, name), f"{who} {name!r}", value, model)
            if node is not None:
                result[name] = node
        return result

    def _node(self, path: Keys, who: str, value: object, model: type[Model]) -> Model | None:
        if not isinstance(value, dict):
            self.fault(path, who, f"must be a mapping, not {shown(value)}")
            self.broken.add(path)
            return None
        known = [f.alias or name for name, f in model.model_fields.items()]
        try:
            # A section that is written but left empty is as good as absent.
            return validated(model, {k: v for k, v in value.items() if v is not None or k not in known})
        except ValidationError as error:
            for inside, words in complaints(error, value, known):
                name = ".".join(map(str, inside))
                self.fault((*path, *inside), f"{who}, {name!r}", words, key=words.startswith(NO_SUCH_NAME))
                self.broken.add((*path, *inside))
            return self._mended(path, value, model)

    def _mended(self, path: Keys, value: Mapping[str, Any], model: type[Model]) -> Model | None:
        """The node without its unknown entries and its broken wires, so that the rest of it is still checked."""
        known = {field.alias or name for name, field in model.model_fields.items()}
        rest = {key: each for key, each in value.items() if key in known and each is not None}
        if isinstance(rest.get("in"), dict):
            rest["in"] = {port: text for port, text in rest["in"].items() if (*path, "in", port) not in self.broken}
        try:
            return validated(model, rest)
        except ValidationError:
            self.broken.add(path)
            return None

    def outputs(self) -> dict[str, str]:
        result: dict[str, str] = {}
        for name, value in self._section("outputs"):
            if isinstance(value, str):
                result[name] = value
            else:
                self.fault(("outputs", name), f"output {name!r}", f"must name a stage, not {shown(value)}")
        return result

    def _section(self, section: str) -> Iterator[tuple[str, object]]:
        value = self.tree.get(section)
        if not isinstance(value, dict) or not value:
            what = "is missing" if section not in self.tree else f"must be a mapping of names, not {shown(value)}"
            self.fault((section,), section, what)
            return
        for name, node in value.items():
            if NAME.fullmatch(name):
                yield name, node
            else:
                what = "a name has letters, digits and '_', and does not begin with a digit"
                self.fault((section, name), f"{name!r}", what, key=True)
                self.broken.add((section, name))
