"""Sizes as people write them: ``2GB``, ``512 MiB``, ``1.5g``."""

from __future__ import annotations

import re

from hdmatt_core.errors import UserError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes of ``text``; UserError if it is no size."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UserError(f"'{text}' is not a size; write 2GB, 512MB or 1.5GiB")
    return int(float(match[1]) * _UNITS[(match[2] or "").lower()])


def format_size(size: int) -> str:
    """``size`` bytes with three digits and a unit of a thousand."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"
