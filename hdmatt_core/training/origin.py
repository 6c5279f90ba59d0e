"""Which program made something: the commit that stands in sets and in weights."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit() -> str:
    """The last commit that changed this program, or 'unknown' where it is not run from its repository."""
    package = Path(__file__).parents[1]
    command = ["git", "-C", str(package), "log", "-1", "--format=%H", "--", "."]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return found.stdout.strip() or "unknown"
