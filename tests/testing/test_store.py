"""RaisingStore: metadata can be read, pixels cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from hdmatt_core.testing import RaisingStore, ReadError


@pytest.fixture(params=[None, (8, 8)], ids=["chunks", "shards"])
def stored(request: pytest.FixtureRequest) -> zarr.Group:
    """A group with one array ``alpha`` of 8 x 8 in chunks of 4, opened again through a raising store."""
    store: Any = MemoryStore()
    group = zarr.create_group(store)
    array = group.create_array("alpha", shape=(8, 8), chunks=(4, 4), shards=request.param, dtype="u1")
    array[:] = np.arange(64).reshape(8, 8)
    return zarr.open_group(RaisingStore(store), mode="r+")


def test_metadata_can_be_read(stored: zarr.Group) -> None:
    array = stored["alpha"]
    assert isinstance(array, zarr.Array)
    assert (array.shape, array.dtype) == ((8, 8), np.uint8)
    assert list(stored.array_keys()) == ["alpha"]


def test_pixels_cannot_be_read(stored: zarr.Group) -> None:
    array = stored["alpha"]
    assert isinstance(array, zarr.Array)
    with pytest.raises(ReadError, match="'alpha/c/0/0' was read"):
        array[1, 1]
