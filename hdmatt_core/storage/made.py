"""What the files of a folder were made from, so that going on there is sure that they are what would be made now."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from hdmatt_core.storage.store import Fingerprint

NAME = ".hdmatt.jsonl"
"""In the folder itself, a line for each file that was made; the last one for a file counts."""


class Made:
    """The record of a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._parts = dict(_lines(self._path))

    def changed(self, file: Path, fingerprint: Fingerprint) -> list[str]:
        """Names of what is another now than when `file` was made; none where nobody noted how it was."""
        old, new = self._parts.get(file.name), _digests(fingerprint)
        return [] if old is None else sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))

    def note(self, file: Path, fingerprint: Fingerprint) -> None:
        """Record what `file` was made from: one write at the end, so that a crash leaves whole lines before it."""
        self._parts[file.name] = _digests(fingerprint)
        with self._path.open("a", encoding="utf-8") as record:
            record.write(f"\n{json.dumps({file.name: self._parts[file.name]})}")


def _lines(path: Path) -> list[tuple[str, dict[str, str]]]:
    """The files of a record and the digests of what each was made from; lines that a crash cut short say nothing."""
    found: list[tuple[str, dict[str, str]]] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            found += [(str(name), dict(parts)) for name, parts in json.loads(line).items()]
        except (ValueError, TypeError, AttributeError):
            continue
    return found


def _digests(fingerprint: Fingerprint) -> dict[str, str]:
    return {name: hashlib.sha256(what.encode()).hexdigest()[:16] for name, what in fingerprint.items()}
