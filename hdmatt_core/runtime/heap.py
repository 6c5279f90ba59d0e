"""Giving freed memory back to the system.

glibc keeps what a thread freed in that thread's arena: after a few blocks the process holds half as much again as
its arrays. The memory promise counts it, so it is given back after every block; other systems do so by themselves.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


def give_back() -> None:
    """Return the free pages of every arena (glibc); nothing where there is no such call."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return library if hasattr(library, "malloc_trim") else None
