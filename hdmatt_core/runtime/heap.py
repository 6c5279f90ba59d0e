"""What the process's allocator holds beside the arrays that are alive.

glibc keeps what a thread freed in an arena of that thread, and unmaps and maps again whole pieces of it: after a few
blocks the process holds half as much again as its arrays, and a tenth of its time goes into fresh pages. Threads that
take from one heap find there what others freed. The memory promise counts what is left over, so that is given back
when the process nears what was promised; not always, for pages that come back at once cost a sixth of the run
(measured).
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import psutil

NEAR = 0.85
"""The share of what was promised from which on memory is given back."""
_ARENA_MAX = -8


def share_one() -> None:
    """Let threads that begin from now on allocate from one heap (glibc; else nothing)."""
    library = _glibc()
    if library is not None:
        library.mallopt(_ARENA_MAX, 1)


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
