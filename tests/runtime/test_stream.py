"""An input that is copied into the run's store is copied once for each content that it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hdmatt_core.geometry import Box
from hdmatt_core.runtime.fingerprint import content_of
from hdmatt_core.runtime.inputs import ArraySource, stream
from hdmatt_core.stage import Array
from hdmatt_core.storage.store import RunStore, array_of


class Counted(ArraySource):
    """A source that counts its readings, and stops in the middle of those that it is told to."""

    readings, broken = 0, False

    def stream(self) -> Iterator[tuple[Box, Array]]:
        self.readings += 1
        yield from super().stream()
        if self.broken:
            raise OSError("the file server is gone")


def take(store: RunStore, value: int, *, broken: bool = False) -> Counted:
    """Stream a trimap of one value, which is its content; the store holds it then."""
    source = Counted(np.full((300, 400), value, np.uint8), "trimap")
    source.broken = broken
    store.update({content_of("trimap"): str(value)}, "", [content_of("trimap")])
    stream(store, "trimap", source, source.infer({})["pixels"])
    assert (array_of(store.arrays(), "input.trimap")[...] == value).all()
    return source


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore(tmp_path / "a.run") as store:
        store.begin({content_of("trimap"): "0"}, "")
        store.remember()
        yield store


def test_the_same_content_is_not_read_again(store: RunStore) -> None:
    assert take(store, 255).readings == 1
    assert take(store, 255).readings == 0
    assert take(store, 0).readings == 1
    store.update({content_of("trimap"): "0", "input 'image'": "another"}, "", ["input 'image'"])
    source = Counted(np.zeros((300, 400), np.uint8), "trimap")
    stream(store, "trimap", source, source.infer({})["pixels"])
    assert source.readings == 0


def test_a_copy_that_was_stopped_is_neither_content(store: RunStore) -> None:
    take(store, 255)
    with pytest.raises(OSError, match="gone"):
        take(store, 0, broken=True)
    assert take(store, 255).readings == 1
