"""Shards of pixels: zeros cost nothing and yet take the place of what was there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.storage import LocalStore, MemoryStore

from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.spec import ArraySpec
from hdmatt_core.storage.layout import SHARD, create
from hdmatt_core.storage.shards import write_shard

SIZE = (SHARD + 100, 2 * SHARD)
SPECS = [ArraySpec(("y", "x"), SIZE, "float32"), ArraySpec(("y", "x", "c"), (*SIZE, 4), "uint8")]


@pytest.mark.parametrize("spec", SPECS, ids=["matte", "cut-out"])
@pytest.mark.parametrize("on_disk", [True, False])
def test_shards_hold_what_was_written_last(tmp_path: Path, spec: ArraySpec, on_disk: bool) -> None:
    group = zarr.create_group(LocalStore(tmp_path) if on_disk else MemoryStore())
    array = create(group, "x", spec)
    values = {box: number % 3 for number, box in enumerate(blocks_of(SIZE, (SHARD, SHARD)))}
    for turn in (1, 0, 2):
        for box, value in values.items():
            write_shard(array, box, np.full((*box.shape, *spec.shape[2:]), value * turn, spec.dtype))
        for box, value in values.items():
            assert (array[box.slices] == value * turn).all()


def test_zeros_are_not_stored_and_remove_what_was(tmp_path: Path) -> None:
    array = create(zarr.create_group(LocalStore(tmp_path)), "x", SPECS[0])
    box, file = Box((0, SHARD), (SHARD, 2 * SHARD)), tmp_path / "x" / "c" / "0" / "1"
    zeros = np.zeros(box.shape, np.float32)
    write_shard(array, box, zeros)
    assert not file.exists()
    write_shard(array, box, zeros + 1)
    assert file.exists()
    write_shard(array, box, zeros)
    assert not file.exists()


def test_zeros_over_nothing_do_not_touch_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = create(zarr.create_group(LocalStore(tmp_path)), "x", SPECS[0])
    monkeypatch.setattr(type(array), "__setitem__", lambda *_: pytest.fail("zarr was asked to write"))
    write_shard(array, Box((0, 0), (SHARD, SHARD)), np.zeros((SHARD, SHARD), np.float32))
