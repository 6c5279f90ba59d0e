"""``NAME=PATH`` words of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hdmatt_core.errors import UserError


def pairs(option: str, given: Sequence[str] | None) -> dict[str, Path]:
    """The words of a repeated option as a mapping; UserError for one without a name, or a name given twice."""
    result: dict[str, Path] = {}
    for word in given or ():
        name, mark, path = word.partition("=")
        if not (name and mark and path):
            raise UserError(f"{option} {word}: write {option} NAME=PATH")
        if name in result:
            raise UserError(f"{option} {word}: '{name}' is given twice")
        result[name] = Path(path)
    return result
