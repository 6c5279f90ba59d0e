"""Places in a pipeline file, and the mistakes found there: all of them, in one error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hdmatt_core.errors import UserError


@dataclass(frozen=True, order=True)
class Mark:
    """Line and column, counted from 1; or the ``--set`` option that put the value there."""

    line: int
    column: int
    override: str = ""

    def place(self, file: str) -> str:
        """``hdmatt.yaml:9:65`` or ``--set pick.k=five``."""
        return f"--set {self.override}" if self.override else f"{file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Fault:
    """One mistake: where, ``who`` (stage, port), what, and indented detail."""

    mark: Mark
    who: str
    what: str = ""
    detail: tuple[str, ...] = ()

    def head(self, file: str) -> str:
        """The line that says where, who and what."""
        return ": ".join(part for part in (self.mark.place(file), self.who, self.what) if part)

    def lines(self, file: str) -> list[str]:
        return [self.head(file), *(f"  {line}" for line in self.detail)]


class DocumentError(UserError):
    """All faults of a pipeline, sorted by place."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = tuple(sorted(dict.fromkeys(faults), key=_order))
        if len(self.faults) == 1:
            super().__init__(self.faults[0].head(file), detail=self.faults[0].detail)
        else:
            lines = [line for fault in self.faults for line in fault.lines(file)]
            super().__init__(f"{len(self.faults)} faults in {file}", detail=lines)

    def __reduce__(self) -> tuple[object, ...]:
        return DocumentError, (self.file, self.faults)


def _order(fault: Fault) -> tuple[bool, int, int, str]:
    return bool(fault.mark.override), fault.mark.line, fault.mark.column, fault.mark.override


def sentence(*parts: str) -> str:
    """The non-empty ``parts``, joined as in every message: what, then the cure."""
    return "; ".join(part for part in parts if part)
