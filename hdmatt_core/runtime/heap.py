"""Giving freed memory back to the system.

glibc keeps what a thread freed in that thread's arena: after a few blocks the process holds half as much again as
its arrays. The memory promise counts it, so it is given back when the process nears what was promised; not always,
for pages that come back at once cost a sixth of the run (measured).
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import psutil

NEAR = 0.6
"""The share of what was promised from which on memory is given back."""


def give_back(promised: int | None) -> None:
    """Return the free pages of every arena if the process holds nearly ``promised`` bytes (glibc; else nothing)."""
    library = _glibc()
    if library is not None and promised is not None and psutil.Process().memory_info().rss > NEAR * promised:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return library if hasattr(library, "malloc_trim") else None
