"""Parameters changed from the command line: ``--set pick.k=5``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hdmatt_core.errors import did_you_mean
from hdmatt_core.pipeline.faults import DocumentError, Fault, Mark, sentence
from hdmatt_core.pipeline.marks import Keys, Reading, read_yaml

FORM = "write stage.parameter=value or weights=value"


def override(reading: Reading, settings: Sequence[str]) -> None:
    """Put every setting into the document's values and marks; one that cannot be is added to the faults."""
    if not isinstance(reading.value, dict):
        return
    for setting in settings:
        target, equals, text = setting.partition("=")
        path = _path(reading, setting, target.strip()) if equals else None
        if path is not None:
            _put(reading, path, setting, text)
        elif not equals:
            _fault(reading, setting, FORM)


def _path(reading: Reading, setting: str, target: str) -> Keys | None:
    if target == "weights":
        return ("weights",)
    name, _, parameter = target.partition(".")
    sections = {section: reading.value.get(section) for section in ("stages", "inputs")}
    names = {n: section for section, nodes in sections.items() if isinstance(nodes, dict) for n in nodes}
    if not all(parameter.split(".")):
        _fault(reading, setting, FORM)
    elif name not in names:
        _fault(reading, setting, sentence(f"no stage {name!r}", did_you_mean(name, names)))
    else:
        return (names[name], name, "params", *parameter.split("."))
    return None


def _put(reading: Reading, path: Keys, setting: str, text: str) -> None:
    try:
        value = read_yaml(text, "").value
    except DocumentError as error:
        _fault(reading, setting, error.faults[0].what)
        return
    at: Any = reading.value
    for key in path[:-1]:
        if at.get(key) is None:
            at[key] = {}
        at = at[key]
        if not isinstance(at, dict):
            _fault(reading, setting, f"{key!r} holds no parameters")
            return
    at[path[-1]] = value
    reading.marks.overridden(path, setting)


def _fault(reading: Reading, setting: str, what: str) -> None:
    reading.faults.append(Fault(Mark(0, 0, setting), "", what))
