"""Shards of pixels: zeros cost nothing and yet take the place of what was there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.storage import LocalStore, MemoryStore

from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.shards.files import write_file
from hdmatt_core.shards.writing import write_pixels
from hdmatt_core.spec import ArraySpec
from hdmatt_core.storage.layout import SHARD, create

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
            write_pixels(array, box, np.full((*box.shape, *spec.shape[2:]), value * turn, spec.dtype))
        for box, value in values.items():
            assert (array[box.slices] == value * turn).all()


def test_zeros_are_not_stored_and_remove_what_was(tmp_path: Path) -> None:
    array = create(zarr.create_group(LocalStore(tmp_path)), "x", SPECS[0])
    box, file = Box((0, SHARD), (SHARD, 2 * SHARD)), tmp_path / "x" / "c" / "0" / "1"
    zeros = np.zeros(box.shape, np.float32)
    write_pixels(array, box, zeros)
    assert not file.exists()
    write_pixels(array, box, zeros + 1)
    assert file.exists()
    write_pixels(array, box, zeros)
    assert not file.exists()


@given(st.integers(1, 2 * SHARD), st.integers(1, 2 * SHARD), st.sampled_from([(), (4,)]), st.integers(0, 3))
@settings(max_examples=25)
def test_zarr_reads_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, bands: tuple[int, ...], seed: int
) -> None:
    spec = ArraySpec(("y", "x", "c")[: 2 + len(bands)], (height, width, *bands), "uint16")
    array = create(zarr.create_group(LocalStore(tmp_path_factory.mktemp("shards"))), "x", spec)
    random = np.random.default_rng(seed)
    want = random.integers(0, 2**16, spec.shape, dtype=np.uint16)
    want[: random.integers(height), random.integers(width) :] = 0
    for box in blocks_of((height, width), (array.shards or array.chunks)[:2]):
        write_pixels(array, box, want[box.slices])
    np.testing.assert_array_equal(array[...], want)


def test_a_shard_is_written_without_zarr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = create(zarr.create_group(LocalStore(tmp_path)), "x", SPECS[0])
    monkeypatch.setattr(type(array), "__setitem__", lambda *_: pytest.fail("zarr was asked to write"))
    write_pixels(array, Box((0, 0), (SHARD, SHARD)), np.ones((SHARD, SHARD), np.float32))


@pytest.mark.parametrize(
    "band",
    [
        Box((0, 0), (SHARD, SIZE[1])),
        Box((SHARD, 0), SIZE),
        Box((40, 0), (SHARD + 40, SIZE[1])),
        Box((0, 0), (SHARD - 9, 30)),
    ],
    ids=["from the top", "the last band", "off the shards", "a part of a shard"],
)
def test_bands_of_any_place(tmp_path: Path, band: Box) -> None:
    array = create(zarr.create_group(LocalStore(tmp_path)), "x", SPECS[1])
    want = np.random.default_rng(0).integers(0, 255, SPECS[1].shape, np.uint8)
    array[...] = want
    want[band.slices] = 255 - want[band.slices]
    write_pixels(array, band, want[band.slices])
    np.testing.assert_array_equal(array[...], want)


def test_several_may_write_the_same_shard(tmp_path: Path) -> None:
    array = create(zarr.create_group(LocalStore(tmp_path)), "x", SPECS[0])
    pixels = np.random.default_rng(0).random((SHARD, SHARD), np.float32)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: write_pixels(array, Box((0, 0), (SHARD, SHARD)), pixels), range(40)))
    np.testing.assert_array_equal(array[:SHARD, :SHARD], pixels)
    assert [file.name for file in (tmp_path / "x" / "c").rglob("*") if file.is_file()] == ["0"]


def test_a_failed_write_leaves_no_partial_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_file(tmp_path / "c" / "0", {0: b"half", 1: "no bytes"}, None)  # type: ignore[dict-item]
    assert list(tmp_path.rglob("*")) == [tmp_path / "c"]
