"""YAML 1.2 text to plain values, with the place of each: bounded, without tags, duplicate keys being faults.

The composed nodes are walked here instead of being built by ruamel.yaml, for a value met through an alias, a
duplicate key and a tag must each be seen to be refused, and every key and value keeps its line and column.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from hdmatt_core.pipeline.faults import DocumentError, Fault, Mark

MAX_BYTES = 1 << 18
MAX_VALUES = 10_000  # values after aliases are followed; a few thousand stages
MAX_DEPTH = 20

Keys = tuple[str | int, ...]
"""Keys and list positions from the top: ``("stages", "fuse", "in", "features")``."""

# The parser's time grows with the square of the depth of brackets, so they are refused before it sees them.
_BRACKETS = re.compile(rf"(?:[\[{{]\s*){{{MAX_DEPTH + 1}}}")
_TAG = "tag:yaml.org,2002:"


@dataclass
class Marks:
    """Where every key and every value stands; a path without a mark has that of the nearest one above it."""

    values: dict[Keys, Mark] = field(default_factory=dict)
    keys: dict[Keys, Mark] = field(default_factory=dict)

    def value(self, path: Keys) -> Mark:
        return _nearest(self.values, path)

    def key(self, path: Keys) -> Mark:
        return self.keys[path] if path in self.keys else self.value(path)

    def overridden(self, path: Keys, override: str) -> None:
        """From now on the value at ``path``, and all below it, comes from an option of the command line."""
        for table in (self.values, self.keys):
            for below in [p for p in table if p[: len(path)] == path]:
                del table[below]
            table[path] = Mark(0, 0, override)


def _nearest(table: dict[Keys, Mark], path: Keys) -> Mark:
    while path not in table:
        if not path:
            return Mark(1, 1)
        path = path[:-1]
    return table[path]


@dataclass
class Reading:
    """A YAML text that was read: its value (dict, list, str, int, float, bool or None), marks, and faults."""

    value: Any
    marks: Marks
    faults: list[Fault]


def read_yaml(text: str, file: str) -> Reading:
    """Read one YAML document.

    Raises DocumentError where nothing can be made of it: bad syntax, tabs, more than MAX_VALUES values or
    MAX_DEPTH levels once aliases are followed. Duplicate keys, tags and keys that are no text are left out and
    returned as faults.
    """
    walk = _Walk()
    node = _compose(text, file)
    try:
        value = None if node is None else walk.value(node, (), node)
    except _TooMuchError as error:
        raise DocumentError(file, [Fault(_mark(error.node), "", str(error))]) from None
    return Reading(value, walk.marks, walk.faults)


def _compose(text: str, file: str) -> Node | None:
    if len(text) > MAX_BYTES:
        raise DocumentError(file, [Fault(Mark(1, 1), "", f"longer than {MAX_BYTES >> 10} KiB; no pipeline is")])
    if brackets := _BRACKETS.search(text):
        raise DocumentError(file, [Fault(_at(text, brackets.start()), "", f"nested deeper than {MAX_DEPTH} levels")])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ReusedAnchorWarning)
            node: Node | None = YAML(typ="safe", pure=True).compose(text)
            return node
    except (YAMLError, ReusedAnchorWarning, RecursionError) as error:
        raise DocumentError(file, [_syntax_fault(error, text)]) from None


def _syntax_fault(error: Exception, text: str) -> Fault:
    if isinstance(error, ReaderError):
        return Fault(_at(text, error.position), "", "not a text character")
    if isinstance(error, RecursionError):
        return Fault(Mark(1, 1), "", f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(error, MarkedYAMLError) and (at := error.problem_mark or error.context_mark):
        mark = Mark(at.line + 1, at.column + 1)
        line_text = text.splitlines()[at.line : at.line + 1]
        if line_text and line_text[0][at.column : at.column + 1] == "\t":
            return Fault(mark, "", "a tab; YAML is indented with spaces")
        if isinstance(error, ComposerError) and "another document" in str(error.problem):
            return Fault(mark, "", "another document begins here; a file holds one pipeline")
        begun = f" {error.context}, line {error.context_mark.line + 1}" if error.context and error.context_mark else ""
        return Fault(mark, "", f"not YAML: {error.problem or 'broken off'}{begun}")
    return Fault(Mark(1, 1), "", f"not YAML: {' '.join(str(error).split())}")


def _at(text: str, position: int) -> Mark:
    return Mark(text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))


class _TooMuchError(Exception):
    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.node = node


def _mark(node: Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


class _Walk:
    """One pass over the composed nodes; an alias is visited as often as it is used."""

    def __init__(self) -> None:
        self.marks = Marks()
        self.faults: list[Fault] = []
        self._seen = 0

    def value(self, node: Node, path: Keys, parent: Node) -> Any:
        # Only what is reached through an alias begins before that which holds it; blame the alias's holder.
        written = node if node.start_mark.index >= parent.start_mark.index else parent
        self._seen += 1
        if self._seen > MAX_VALUES:
            raise _TooMuchError(written, f"more than {MAX_VALUES} values once aliases are followed; write them out")
        if len(path) > MAX_DEPTH:
            raise _TooMuchError(written, f"nested deeper than {MAX_DEPTH} levels")
        self.marks.values[path] = _mark(node)
        if isinstance(node, MappingNode):
            return self._mapping(node, path, written)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, i), written) for i, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: MappingNode, path: Keys, written: Node) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key is None:
                continue
            if key in result:
                first = self.marks.keys[(*path, key)].line
                self._fault(key_node, f"duplicate key {key!r}; it stands already in line {first}")
                continue
            self.marks.keys[(*path, key)] = _mark(key_node)
            result[key] = self.value(value_node, (*path, key), written)
            if value_node.start_mark.index == value_node.end_mark.index:  # nothing stands there; the parser went on
                self.marks.values[(*path, key)] = _mark(key_node)
        return result

    def _key(self, node: Node) -> str | None:
        if isinstance(node, ScalarNode) and node.tag == f"{_TAG}str":
            return str(node.value)
        if node.tag == f"{_TAG}merge":
            self._fault(node, "'<<' is YAML 1.1; repeat the keys here, or give a whole value by its alias")
            return None
        shown = repr(node.value) if isinstance(node, ScalarNode) else "a list or mapping"
        self._fault(node, f"a key is a name, not {shown}")
        return None

    def _scalar(self, node: Node) -> Any:
        kind = str(node.tag).removeprefix(_TAG)
        text = str(node.value)
        try:
            if kind in _SCALARS:
                return _SCALARS[kind](text)
        except ValueError:
            self._fault(node, f"{text[:40]!r} is no {kind}")
            return None
        self._fault(node, f"the tag {node.tag!r} is not allowed here; only plain YAML is")
        return None

    def _fault(self, node: Node, what: str) -> None:
        self.faults.append(Fault(_mark(node), "", what))


def _integer(text: str) -> int:
    return int(text.replace("_", ""), 0 if text.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else 10)


def _float(text: str) -> float:
    return float(text.replace("_", "").replace(".inf", "inf").replace(".Inf", "inf").replace(".nan", "nan"))


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "int": _integer,
    "float": _float,
    "bool": lambda text: text.lower() == "true",
    "null": lambda _: None,
    "timestamp": str,  # a date is a name like any other
}
