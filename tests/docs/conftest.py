"""The documentation's sources, and the modules that write its reference."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def page() -> Callable[[str], str]:
    """The text of a page of docs/ by name."""
    return lambda name: (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """A module of docs/generate by name."""
    names = ("stages", "commands")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "generate"))
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)
