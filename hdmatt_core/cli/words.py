"""Words of the command line: ``NAME=PATH``, and the ``1/8`` of a preview."""

from __future__ import annotations

import re
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


def reduction(given: str | None) -> int:
    """N of ``1/N``, 1 where nothing is given; UserError for another word, or an N below 2."""
    if given is None:
        return 1
    found = re.fullmatch(r"1/(\d{1,9})", given, re.ASCII)
    if found is None or int(found[1]) < 2:
        raise UserError(f"--preview {given}: write 1/N with a whole number N from 2 on, as --preview 1/8")
    return int(found[1])
