"""zarr stores: plain arrays, channels first or last, OME-Zarr levels."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
import zarr.codecs
from hdmatt_images.sources.zarr import ZarrSource

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box


def save(path: Path, array: Any, **how: Any) -> Path:
    how = {"chunks": (16, 16, 4)[: array.ndim], "zarr_format": 3, **how}
    out = zarr.create_array(str(path), shape=array.shape, dtype=array.dtype, **how)
    out[...] = array
    return path


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("bands", [None, 1, 3, 4])
def test_arrays_of_both_formats(opened, pixels, window, noise, tmp_path, zarr_format: int, dtype: str, bands) -> None:
    array = noise((40, 50) if bands is None else (40, 50, bands), dtype)
    source = opened(save(tmp_path / "a.zarr", array, zarr_format=zarr_format))
    assert isinstance(source, ZarrSource)
    whole = array[..., None] if bands is None else array
    want = whole[..., :3] if whole.shape[2] > 2 else np.repeat(whole[..., :1], 3, axis=2)
    np.testing.assert_array_equal(pixels(source), want)
    box = Box((3, 17), (33, 41))
    np.testing.assert_array_equal(window(source, box), want[box.slices])


@pytest.mark.parametrize(
    "how",
    [
        {"zarr_format": 2, "compressors": numcodecs.LZMA(preset=1)},
        {"zarr_format": 2, "compressors": numcodecs.Blosc("lz4", 5), "filters": [numcodecs.Delta("<u2")]},
        {"zarr_format": 3, "shards": (32, 32), "compressors": zarr.codecs.BloscCodec(cname="zstd")},
        {"zarr_format": 3, "compressors": zarr.codecs.GzipCodec()},
        {"zarr_format": 2, "order": "F", "fill_value": None},
        {"zarr_format": 3, "filters": zarr.codecs.TransposeCodec(order=(1, 0)), "fill_value": 7},
        {"zarr_format": 3, "serializer": zarr.codecs.BytesCodec(endian="big")},
    ],
    ids=["lzma", "delta", "sharded blosc", "gzip", "columns", "transposed", "big endian"],
)
def test_whatever_the_codecs(opened, window, noise, tmp_path: Path, how: Any) -> None:
    array = noise((40, 50), "uint16")
    source, box = opened(save(tmp_path / "a.zarr", array, **how), "mask"), Box((3, 17), (33, 41))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(window(source, box), array[box.slices])


def test_a_store_is_known_by_its_content(opened, pixels, noise, tmp_path: Path) -> None:
    array = noise((9, 8))
    zarr.open_group(str(tmp_path / "store"), mode="w")
    path = save(tmp_path / "store" / "inner" / "alpha", array)
    np.testing.assert_array_equal(pixels(opened(path, "mask")), array)


@pytest.mark.parametrize("names", [None, ("c", "y", "x")])
def test_channels_may_come_first(opened, pixels, noise, tmp_path: Path, names: tuple[str, ...] | None) -> None:
    array = noise((3, 20, 30))
    path = save(tmp_path / "a.zarr", array, chunks=(1, 16, 16), dimension_names=names)
    np.testing.assert_array_equal(pixels(opened(path)), np.moveaxis(array, 0, 2))


def test_dimension_names_decide_where_the_shape_does_not(opened, noise, tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", noise((3, 20, 4)), dimension_names=("c", "y", "x"))
    assert opened(path).infer({})["pixels"].shape == (20, 4, 3)


def test_bool_is_black_and_white(opened, pixels, tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", np.eye(20, dtype=bool))
    np.testing.assert_array_equal(pixels(opened(path, "trimap")), np.eye(20) * 255)


def test_big_endian_and_double_are_read(opened, pixels, noise, tmp_path: Path) -> None:
    array = noise((20, 20), "uint16")
    path = save(tmp_path / "a.zarr", array.astype(">u2"), zarr_format=2)
    np.testing.assert_array_equal(pixels(opened(path, "mask")), array)
    exact = noise((20, 20), "float32")
    path = save(tmp_path / "b.zarr", exact.astype(np.float64))
    np.testing.assert_array_equal(pixels(opened(path, "mask")), exact)


def test_chunks_that_are_not_stored_hold_the_fill_value(opened, pixels, tmp_path: Path) -> None:
    zarr.create_array(str(tmp_path / "a.zarr"), shape=(20, 20), dtype="uint8", chunks=(8, 8), fill_value=128)
    assert (pixels(opened(tmp_path / "a.zarr", "trimap")) == 128).all()


def _ome(path: Path, levels: list[Any], axes: list[str], version: str, fmt: int) -> Path:
    scales = [{"axes": [{"name": a} for a in axes], "datasets": [{"path": f"s{i}"} for i in range(len(levels))]}]
    attributes = {"multiscales": scales} if version == "0.4" else {"ome": {"version": version, "multiscales": scales}}
    group = zarr.open_group(str(path), mode="w", zarr_format=fmt, attributes=attributes)
    for i, level in enumerate(levels):
        group.create_array(f"s{i}", shape=level.shape, dtype=level.dtype, chunks=(1,) * (level.ndim - 2) + (16, 16))[
            ...
        ] = level
    return path


@pytest.mark.parametrize(("version", "fmt"), [("0.4", 2), ("0.5", 3)])
def test_levels_of_an_ome_zarr_image(opened, pixels, noise, tmp_path: Path, version: str, fmt: int) -> None:
    levels = [noise((1, 3, 1, 40, 60)), noise((1, 3, 1, 20, 30), seed=1)]
    path = _ome(tmp_path / "a.ome.zarr", levels, ["t", "c", "z", "y", "x"], version, fmt)
    for i, level in enumerate(levels):
        np.testing.assert_array_equal(pixels(opened(path, level=i)), np.moveaxis(level[0, :, 0], 0, 2))
    with pytest.raises(UserError, match=r"a\.ome\.zarr: has no level 2, only 0 to 1; choose one of them"):
        opened(path, level=2).infer({})


def test_ome_axes_without_time(opened, pixels, noise, tmp_path: Path) -> None:
    array = noise((3, 40, 60))
    path = _ome(tmp_path / "a.zarr", [array], ["c", "y", "x"], "0.5", 3)
    np.testing.assert_array_equal(pixels(opened(path)), np.moveaxis(array, 0, 2))


def test_windows_read_only_their_chunks(opened, window, noise, tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", noise((160, 160)))
    source, whole = opened(path, "mask"), opened(path, "mask")
    near, box = {path / "c" / row / column for row in "01" for column in "01"}, Box((10, 10), (20, 20))
    want = window(source, box)
    for file in {file for file in (path / "c").rglob("*") if file.is_file()} - near:
        file.write_bytes(b"no chunk")
    np.testing.assert_array_equal(window(source, box), want)
    assert source.resident_bytes() == 0
    with pytest.raises(UserError, match="damaged or cut short"):
        window(whole, Box((0, 0), (160, 160)))


def test_identity_covers_content_and_survives_a_copy(opened, noise, tmp_path: Path) -> None:
    array = noise((160, 160))
    path = save(tmp_path / "a.zarr", array)
    before = opened(path).identity()
    shutil.copytree(path, tmp_path / "b.zarr", copy_function=shutil.copyfile)
    assert opened(tmp_path / "b.zarr").identity() == before
    zarr.open_array(str(tmp_path / "b.zarr"))[:16, :16] = 7
    assert opened(tmp_path / "b.zarr").identity() != before
