"""The header of a weights file, read without torch: eight bytes of length, then JSON (the safetensors format)."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hdmatt_core.errors import UserError

FORMAT = "hdmatt-weights-1"
_LONGEST = 16 * 2**20
_NAMED = ("format", "preset", "commit", "data", "sha256")


@dataclass(frozen=True)
class WeightsHeader:
    """What a weights file says of itself; `sha256` is that of the data section, `start` is where that begins."""

    preset: str
    commit: str
    data: str
    sha256: str
    parameters: int
    start: int
    extra: dict[str, str] = field(default_factory=dict)


def read_header(path: str | Path) -> WeightsHeader:
    """Parse the header of a weights file; raises UserError where it is missing, truncated or of another kind."""
    entries, start = _entries(Path(path))
    said = entries.pop("__metadata__", {})
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise _fault(path, "holds no HDMatt weights", "save them with hdmatt_core.nn.weights.save")
    missing = [name for name in _NAMED if not isinstance(said.get(name), str)]
    if missing:
        raise _fault(path, f"lacks {', '.join(missing)} in its header", "download or train the weights again")
    _check_extent(path, entries, start)
    extra = {name: str(value) for name, value in said.items() if name not in _NAMED}
    named = {name: said[name] for name in _NAMED[1:]}
    return WeightsHeader(**named, parameters=_count(entries), start=start, extra=extra)


def _entries(path: Path) -> tuple[dict[str, Any], int]:
    """Return the header's JSON and the offset of the data section."""
    if not path.is_file():
        raise _fault(path, "does not exist", "give a file or the name of shipped weights")
    with path.open("rb") as file:
        raw = file.read(8)
        length = struct.unpack("<Q", raw)[0] if len(raw) == 8 else 0
        # Checked before reading: a length from a file of another kind may ask for exabytes.
        if not 2 <= length <= min(_LONGEST, path.stat().st_size - 8):
            raise _fault(path, "is no safetensors file, or a truncated one", "download or train the weights again")
        try:
            entries = json.loads(file.read(length))
        except ValueError:
            entries = None
    if not isinstance(entries, dict):
        raise _fault(path, "is no safetensors file", "download or train the weights again")
    return entries, 8 + length


def _check_extent(path: str | Path, entries: dict[str, Any], start: int) -> None:
    try:
        end = start + max(entry["data_offsets"][1] for entry in entries.values())
    except (KeyError, TypeError, IndexError, ValueError):
        raise _fault(path, "has a damaged header", "download or train the weights again") from None
    size = Path(path).stat().st_size
    if end != size:
        raise _fault(path, f"has {size} bytes instead of {end}", "it is damaged: download or train the weights again")


def _count(entries: dict[str, Any]) -> int:
    total = 0
    for entry in entries.values():
        values = 1
        for side in entry.get("shape", ()):
            values *= side
        total += values
    return total


def _fault(path: str | Path, what: str, cure: str) -> UserError:
    return UserError(f"weights {path}: the file {what}; {cure}")
