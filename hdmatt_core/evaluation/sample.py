"""One picture of a set: what a method is given, and the truth that its matte is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """A picture by name, its files, and the groups it belongs to (``family``: hair); no truth: not scored."""

    name: str
    image: Path
    trimap: Path
    truth: Path | None = None
    groups: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """A set of pictures under the name of its layout, or its own, and where it lies."""

    name: str
    root: Path
    samples: tuple[Sample, ...]
