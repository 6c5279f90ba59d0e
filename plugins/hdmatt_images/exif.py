"""The one thing of EXIF that matters here: how the picture is to be turned (EXIF 2.32, section 4.6.4)."""

from __future__ import annotations

import struct

from hdmatt_images import orientation

_TAG, _SHORT = 0x0112, 3
_ENTRY = 12  # bytes of an entry of the directory
_ORDERS = {b"II": "<", b"MM": ">"}


def orientation_of(exif: bytes) -> int:
    """The orientation (1 to 8) in a block of EXIF data; 1 where there is none or the block is broken."""
    data = exif.removeprefix(b"Exif\0\0")
    order = _ORDERS.get(data[:2])
    if order is None:
        return 1
    try:
        return orientation.known(_found(data, order))
    except struct.error:  # the directory reaches beyond the block
        return 1


def _found(data: bytes, order: str) -> int | None:
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    for index in range(count):
        entry = struct.unpack_from(f"{order}HHIH", data, start + 2 + index * _ENTRY)
        if entry[:2] == (_TAG, _SHORT):
            return int(entry[3])
    return None
