"""The stages by name, the sources by file, the sinks by suffix."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hdmatt_core.errors import HdmattWarning, StageError, UserError, did_you_mean
from hdmatt_core.kinds import Sink, Source
from hdmatt_core.registry.loading import load_entry_points
from hdmatt_core.registry.problem import Problem, told
from hdmatt_core.stage import StageType

STRICT = "HDMATT_STRICT_PLUGINS"
"""Environment variable: ``1`` makes a broken plug-in an error instead of a warning."""

HEAD = 16
"""Bytes of a file shown to :meth:`Source.accepts`."""


class Registry:
    """The installed stage types, in the order in which they are asked, and what is wrong with the rest."""

    def __init__(self, types: Iterable[StageType], problems: Sequence[Problem] = ()) -> None:
        self._types: Mapping[str, StageType] = {type_.name: type_ for type_ in types}
        self.problems = tuple(problems)

    @classmethod
    def load(cls, strict: bool | None = None) -> Registry:
        """The stages of every installed plug-in.

        A plug-in that cannot be used is an :class:`HdmattWarning` that names its distribution; a UserError where
        ``strict`` is set, by default by the environment variable HDMATT_STRICT_PLUGINS.
        """
        loaded = load_entry_points()
        if strict is None:
            strict = os.environ.get(STRICT, "") not in ("", "0")
        if strict and loaded.problems:
            count = len(loaded.problems)
            raise UserError(
                f"{count} {'problem' if count == 1 else 'problems'} with plug-ins, and {STRICT} is set",
                detail=[str(problem) for problem in loaded.problems],
            )
        for problem in loaded.problems:
            warnings.warn(str(problem), HdmattWarning, stacklevel=2)
        return cls(loaded.types.values(), loaded.problems)

    def names(self, kind: str | None = None) -> tuple[str, ...]:
        """Names of all stages, or of those of one kind, sorted."""
        return tuple(sorted(name for name, type_ in self._types.items() if kind in (None, type_.stage.kind)))

    def stage(self, name: str) -> StageType:
        """The stage called ``name``; UserError with the nearest name, and the broken plug-ins if there are any."""
        if name in self._types:
            return self._types[name]
        blamed = [problem for problem in self.problems if problem.stage == name]
        if blamed:
            raise UserError(f"stage {name!r} cannot be used", detail=[str(problem) for problem in blamed])
        of_kind = self.names(name.partition(".")[0])
        advice = did_you_mean(name, self.names()) or (f"there are {', '.join(of_kind)}" if of_kind else "")
        advice = advice or "'hdmatt stages' lists them"
        suspects = [str(problem) for problem in self.problems if not problem.stage]
        raise UserError(f"no stage {name!r} is installed; {advice}", detail=suspects)

    def source_for(self, path: Path) -> StageType:
        """The source that reads the file or folder at ``path``, by its first bytes; UserError if none does."""
        head = _head(path)
        for type_ in self._types.values():
            if issubclass(type_.stage, Source) and _accepts(type_, type_.stage, path, head):
                return type_
        raise UserError(f"{path}: not an image that can be read; read are {self._suffixes('source')}")

    def sink_for(self, path: Path) -> StageType:
        """The sink that writes files with the suffix of ``path``, the longest that fits; UserError if none does."""
        fitting: dict[str, StageType] = {}
        for type_ in self._types.values():
            if issubclass(type_.stage, Sink):
                fitting = {s: type_ for s in type_.stage.suffixes if path.name.lower().endswith(s)} | fitting
        if fitting:
            return fitting[max(fitting, key=len)]
        raise UserError(f"{path}: cannot tell the format from the suffix; written are {self._suffixes('sink')}")

    def distributions(self, stages: Iterable[str] | None = None) -> dict[str, str]:
        """Versions by name of the distributions that bring ``stages`` (names; by default every stage)."""
        names = self._types if stages is None else stages
        brought = {self.stage(name).distribution for name in names}
        return {name: version for name, _, version in (text.partition(" ") for text in sorted(brought)) if name}

    def _suffixes(self, kind: str) -> str:
        stages = [self._types[name].stage for name in self.names(kind)]
        suffixes = {s for stage in stages if issubclass(stage, Source | Sink) for s in stage.suffixes}
        return ", ".join(sorted(suffixes)) or "none: no plug-in brings any"


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            return b""
        with path.open("rb") as file:
            return file.read(HEAD)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error


def _accepts(type_: StageType, source: type[Source], path: Path, head: bytes) -> bool:
    try:
        return source.accepts(path, head)
    except Exception as error:
        raise StageError(f"{path}: {type_.name} of {type_.distribution} raised {told(error)}") from error
