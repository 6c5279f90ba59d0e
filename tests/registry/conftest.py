"""Registries with deliberately broken distributions installed beside the real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hdmatt_core.errors import HdmattWarning
from hdmatt_core.registry import Registry

BROKEN = Path(__file__).parents[1] / "broken_plugins"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put folders of tests/broken_plugins on the path, as pip would."""

    def installed(*folders: str) -> None:
        for folder in folders:
            assert (BROKEN / folder).is_dir()
            monkeypatch.syspath_prepend(str(BROKEN / folder))

    return installed


@pytest.fixture
def load(install: Callable[..., None]) -> Callable[..., Registry]:
    """The registry with such folders installed; it must warn."""

    def loaded(*folders: str) -> Registry:
        install(*folders)
        with pytest.warns(HdmattWarning):
            return Registry.load()

    return loaded
