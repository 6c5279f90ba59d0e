"""Rows read from the files themselves are those that zarr reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.codecs import BytesCodec
from zarr.storage import LocalStore, MemoryStore

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Grid
from hdmatt_core.spec import ArraySpec
from hdmatt_core.storage.layout import create
from hdmatt_core.storage.rows import rows_of, store_rows, table_of

GRID = Grid((500, 700), 96, 16, side=2)
SPECS = {
    "features": ArraySpec(("tile", "y", "x", "c"), (GRID.slots, 6, 6, 64), "float16", 16, GRID),
    "skips": ArraySpec(("tile", "byte"), (GRID.slots, 5000), "uint8", 1, GRID),
    "regions": ArraySpec(("tile", "y", "x"), (GRID.slots, 6, 6), "uint8", 16, GRID),
    "patches": ArraySpec(("tile", "y", "x"), (GRID.slots, 96, 96), "float32", 1, GRID),
    "tiles": ArraySpec(("tile", "c"), (GRID.slots, 3), "int32", 1, GRID),
    "pool": ArraySpec(("tile",), (GRID.slots,), "uint8", 1, GRID),
}


def filled(store: Any, spec: ArraySpec) -> zarr.Array[Any]:
    """Every third row, and one whole block, hold zeros."""
    array = create(zarr.create_group(store, overwrite=True), "a", spec)
    values = np.random.default_rng(0).integers(1, 100, spec.shape).astype(spec.dtype)
    values[::3] = 0
    values[GRID.block : 2 * GRID.block] = 0
    for low in range(0, GRID.slots, GRID.block):
        array[low : low + GRID.block] = values[low : low + GRID.block]
    return array


@given(st.sampled_from(sorted(SPECS)), st.lists(st.integers(0, GRID.slots - 1), max_size=40), st.booleans())
@settings(max_examples=40)
def test_any_rows_in_any_order(tmp_path_factory: pytest.TempPathFactory, name: str, slots: Any, disk: bool) -> None:
    store = LocalStore(tmp_path_factory.mktemp("rows")) if disk else MemoryStore()
    array = filled(store, SPECS[name])
    got = rows_of(array, slots)
    assert got.dtype == array.dtype
    np.testing.assert_array_equal(got, array[...][slots])


@pytest.mark.parametrize("name", SPECS)
def test_rows_are_read_without_zarr(tmp_path: Path, monkeypatch: Any, name: str) -> None:
    array = filled(LocalStore(tmp_path), SPECS[name])
    want = array[...][[7, 2]]

    def refused(self: object, selection: object) -> None:
        raise AssertionError("read through zarr")

    monkeypatch.setattr(zarr.Array, "__getitem__", refused)
    np.testing.assert_array_equal(rows_of(array, [7, 2]), want)


def test_rows_that_are_not_stored_take_no_memory(tmp_path: Path) -> None:
    grid = Grid((20_000, 20_000), 96, 16)
    spec = ArraySpec(("tile", "c"), (grid.slots, 3456), "uint8", 1, grid)
    array = create(zarr.create_group(LocalStore(tmp_path)), "a", spec)
    stored = range(1, grid.slots, grid.slots // 100)
    for slot in stored:
        first = slot // grid.block * grid.block
        store_rows(array, slice(first, first + grid.block), (slot,), np.ones((1, 3456), np.uint8))
    process = psutil.Process()
    before = process.memory_info().rss
    table = table_of(array)
    assert table.nbytes > 150_000_000
    assert process.memory_info().rss - before < 10_000_000
    assert np.flatnonzero(table[:, 7]).tolist() == list(stored)


@given(
    st.sampled_from(sorted(SPECS)),
    st.sets(st.integers(0, GRID.block - 1)),
    st.booleans(),
    st.booleans(),
    st.sampled_from([slice(2 * GRID.block, 3 * GRID.block), slice(0, GRID.slots)]),
)
@settings(max_examples=60)
def test_what_is_stored_is_what_zarr_reads(
    tmp_path_factory: pytest.TempPathFactory, name: str, places: set[int], before: bool, disk: bool, block: slice
) -> None:
    store = LocalStore(tmp_path_factory.mktemp("rows")) if disk else MemoryStore()
    spec = SPECS[name]
    array = filled(store, spec) if before else create(zarr.create_group(store), "a", spec)
    want = array[...]
    slots = [block.start + place for place in sorted(places, reverse=True)]
    made = np.random.default_rng(len(places)).integers(0, 3, (len(slots), *spec.shape[1:])).astype(spec.dtype)
    made[:1] = 0
    want[block] = 0
    want[slots] = made
    store_rows(array, block, slots, made)
    np.testing.assert_array_equal(zarr.open_group(store, mode="r")["a"][...], want)
    np.testing.assert_array_equal(rows_of(array, range(GRID.slots)), want)


@pytest.mark.parametrize("name", SPECS)
def test_a_stored_shard_is_the_file_that_zarr_writes(tmp_path: Path, name: str) -> None:
    ours, zarrs = (create(zarr.create_group(LocalStore(tmp_path / who)), "a", SPECS[name]) for who in ("us", "zarr"))
    block = slice(0, GRID.block)
    rows = np.random.default_rng(0).integers(0, 9, (GRID.block, *SPECS[name].shape[1:])).astype(ours.dtype)
    rows[1] = 0
    store_rows(ours, block, range(GRID.block), rows)
    zarrs[block] = rows
    written = [
        {file.relative_to(root): file.stat().st_size for file in (root / "a" / "c").rglob("*")}
        for root in (tmp_path / "us", tmp_path / "zarr")
    ]
    assert written[0] == written[1]
    store_rows(ours, block, [], rows[:0])
    assert not [file for file in (tmp_path / "us" / "a" / "c").rglob("*") if file.is_file()]


@pytest.mark.parametrize("dtype", [">f2", "<f2"])
def test_another_byte_order_is_left_to_zarr(tmp_path: Path, dtype: str) -> None:
    codec = BytesCodec(endian="big" if dtype == ">f2" else "little")
    array = zarr.create_array(
        LocalStore(tmp_path), shape=(8, 4), chunks=(4, 4), dtype="float16", serializer=codec, compressors=None
    )
    array[...] = np.arange(32).reshape(8, 4)
    np.testing.assert_array_equal(rows_of(array, [5, 1]), array[...][[5, 1]])


@pytest.mark.parametrize(("name", "kept"), [("features", 9), ("features", 700), ("regions", 9)])
def test_a_file_that_is_cut_short_says_so(tmp_path: Path, name: str, kept: int) -> None:
    array = filled(LocalStore(tmp_path), SPECS[name])
    files = [path for path in (tmp_path / "a" / "c").rglob("*") if path.is_file()]
    for file in files:
        file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(UserError, match="a: a file of the run's store is cut short; start anew with --overwrite"):
        rows_of(array, [1, 2])
