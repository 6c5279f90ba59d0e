"""Whether a JPEG file is complete (ITU-T T.81, annex B): decoders fill what is missing with grey and say nothing."""

from __future__ import annotations

import re

_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_ALONE = frozenset([0x01, *range(0xD0, 0xD9)])  # markers without a length: TEM, RST0 to RST7, SOI
_END = 0xD9


def complete(data: bytes) -> bool:
    """Whether the first picture in ``data`` reaches its end marker. Whatever follows it does not matter."""
    position = 0
    while (found := _MARKER.search(data, position)) is not None:
        marker, position = found.group(1)[0], found.end()
        if marker == _END:
            return True
        if marker not in _ALONE:
            position += int.from_bytes(data[position : position + 2], "big")
    return False
