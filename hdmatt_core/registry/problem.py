"""What is wrong with a plug-in, and what its user can do about it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """Why an entry point, or one stage of it, is not available."""

    distribution: str  # name and version
    entry_point: str  # as written in its metadata: ``name = module``
    what: str
    cure: str
    stage: str = ""  # the name that is missing because of it; empty if the plug-in did not get that far
    error: BaseException | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"plug-in {self.distribution} ({self.entry_point}): {self.what}; {self.cure}"


def told(error: BaseException) -> str:
    """The error in one line, with the file and line that raised it."""
    first = next(iter(str(error).splitlines()), "")
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {first}{where}" if first else f"{type(error).__name__}{where}"
