"""Previews: a cell is the mean of its pixels, exactly, or of a trimap what all of them are; levels are made use of."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hdmatt_core.errors import ResumeError, UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import About, Lattice, Source
from hdmatt_core.pipeline.document import load_document
from hdmatt_core.pipeline.sources import open_source
from hdmatt_core.registry import Registry
from hdmatt_core.runtime import reduced as module
from hdmatt_core.runtime.inputs import ArraySource
from hdmatt_core.runtime.outputs import open_sink
from hdmatt_core.runtime.reduced import ReducedSource, coarser, reduced
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Target
from hdmatt_core.testing import Scene
from hdmatt_core.testing.context import FakeContext

Requests = Callable[..., Request]
SIDES = st.tuples(st.integers(1, 60), st.integers(1, 60))
KINDS = [("image", "uint8"), ("image", "uint16"), ("image", "float32"), ("mask", "uint8"), ("trimap", "uint8")]


def pixels(shape: tuple[int, int], role: str, dtype: str) -> Array:
    random = np.random.default_rng(0)
    if role == "trimap":
        return random.choice(np.array([0, 0, 0, 128, 255, 255], np.uint8), shape)
    size = (*shape, 3) if role == "image" else shape
    if dtype == "float32":
        return random.random(size, np.float32)
    return random.integers(0, np.iinfo(dtype).max, size, dtype, endpoint=True)


def cells(array: Array, factor: int, role: str) -> Array:
    """What the cells hold, each on its own."""
    height, width = (-(-n // factor) for n in array.shape[:2])
    made = np.empty((height, width, *array.shape[2:]), array.dtype)
    for y, x in np.ndindex(height, width):
        cell = array[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
        if role == "trimap":
            made[y, x] = cell[0, 0] if (cell == cell[0, 0]).all() else 128
        elif array.dtype == np.float32:
            made[y, x] = cell.mean(axis=(0, 1), dtype=np.float64)
        else:
            made[y, x] = np.floor(cell.mean(axis=(0, 1)) + 0.5)
    return made


def window(source: Source, box: Box) -> Array:
    return source.run(Block(Target(box), {}, {}, frozenset({"pixels"})), FakeContext())["pixels"]


@pytest.mark.parametrize(("role", "dtype"), KINDS)
@given(shape=SIDES, factor=st.integers(2, 70), data=st.data())
@settings(max_examples=25)
def test_every_window_and_the_stream_hold_what_the_cells_hold(
    role: Any, dtype: str, shape: tuple[int, int], factor: int, data: st.DataObject
) -> None:
    array = pixels(shape, role, dtype)
    source: ReducedSource = pickle.loads(pickle.dumps(ReducedSource(ArraySource(array, role), factor, role)))
    expected = cells(array, factor, role)
    spec = source.infer({})["pixels"]
    assert (spec.shape, spec.dtype) == (expected.shape, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", 7)
        whole = window(source, Box((0, 0), (expected.shape[0], expected.shape[1])))
        np.testing.assert_allclose(whole, expected, rtol=1e-6 if dtype == "float32" else 0)
        start = tuple(data.draw(st.integers(0, n - 1)) for n in expected.shape[:2])
        stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, expected.shape, strict=False))
        np.testing.assert_array_equal(window(source, Box(start, stop)), whole[Box(start, stop).slices])
        patch.setattr(module, "SHARD", 3)
        streamed = np.zeros_like(whole)
        for at, piece in source.stream():
            streamed[at.slices] = piece
    np.testing.assert_array_equal(streamed, whole)


def test_no_more_than_a_piece_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    original = ArraySource.run

    def watched(self: ArraySource, block: Block, context: Any) -> dict[str, Array]:
        seen.append(block.target.box.shape)
        return original(self, block, context)

    monkeypatch.setattr(ArraySource, "run", watched)
    source = ReducedSource(ArraySource(np.zeros((2100, 3000), np.uint8), "mask"), 50, "mask")
    window(source, Box((0, 0), (42, 60)))
    assert max(max(shape) for shape in seen) == module.PIECE
    assert sum(a * b for a, b in seen) == 2100 * 3000


def test_a_thin_band_does_not_vanish() -> None:
    trimap = np.zeros((64, 64), np.uint8)
    trimap[:, 40:] = 255
    trimap[:, 13] = 128
    made = window(ReducedSource(ArraySource(trimap, "trimap"), 16, "trimap"), Box((0, 0), (4, 4)))
    np.testing.assert_array_equal(made, [[128, 0, 128, 255]] * 4)


def test_pixels_are_larger_and_begin_where_they_did() -> None:
    about = coarser(About(b"icc", (300.0, 150.0), Lattice((2.0, 3.0), (10.0, 20.0), "micrometer")), 4)
    assert about == About(b"icc", (75.0, 37.5), Lattice((8.0, 12.0), (13.0, 24.5), "micrometer"))
    assert coarser(About(), 4) == About()


@pytest.mark.parametrize("name", ["scan.ome.zarr", "scan.ptif"])
def test_the_image_comes_from_the_smallest_level_that_holds_it(name: str, tmp_path: Path) -> None:
    """Of levels 1, 1/2 and 1/4 the last one is a preview at 1/4, of which 1/8 is made; 1/6 is of the second."""
    registry, document = Registry.load(), load_document("hdmatt")
    path = tmp_path / name
    array = pixels((1100, 1307), "image", "uint8")
    _write(registry, path, array)
    source = open_source(document, registry, "image", path)
    full = ArraySource(array, "image")
    assert [level.infer({})["pixels"].shape[:2] for level in source.levels()] == [(550, 654), (275, 327)]
    for factor, level, by in ((4, 2, 1), (8, 2, 2), (12, 2, 3), (6, 1, 3), (3, 0, 3)):
        made = reduced(source, factor, "image")
        inner = made.inner if isinstance(made, ReducedSource) else made
        assert inner.params.level == level  # type: ignore[attr-defined]
        assert isinstance(made, ReducedSource) == (by > 1)
        spec = made.infer({})["pixels"]
        assert spec == ReducedSource(full, factor, "image").infer({})["pixels"]
        box = Box(
            (0, 0), (spec.shape[0] - 1, spec.shape[1] - 1)
        )  # a cell cut by the border weighs its pixels otherwise
        exact = window(ReducedSource(full, factor, "image"), box).astype(int)
        assert np.abs(window(made, box) - exact).max() <= 2  # each level was rounded
    trimap = reduced(source, 4, "trimap")
    assert isinstance(trimap, ReducedSource)
    assert trimap.inner is source  # the mean of a trimap is no trimap


def _write(registry: Registry, path: Path, array: Array) -> None:
    spec = ArraySpec(("y", "x", "c"), array.shape, "uint8")
    open_sink(registry, "image", path, "8", spec).write(path, spec, lambda box: array[box.slices], About())


def test_a_preview_is_the_matte_of_the_reduced_picture(request_for: Requests, picture: Scene) -> None:
    small = {
        name: window(ReducedSource(ArraySource(array, role), 3, role), Box((0, 0), (234, 367)))
        for name, array, role in (("image", picture.image, "image"), ("trimap", picture.trimap, "trimap"))
    }
    alone = run(request_for(inputs=small, synchronous=True)).arrays["alpha"]
    made = run(request_for(preview=3, synchronous=True)).arrays["alpha"]
    assert made.shape == (234, 367)
    np.testing.assert_array_equal(made, alone)
    part = run(request_for(preview=3, roi="100:301,400:650", synchronous=True)).arrays["alpha"]
    np.testing.assert_array_equal(part, alone[33:101, 133:217])


def test_a_picture_that_memory_does_not_hold_is_streamed_first(
    request_for: Requests, picture: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(picture.image).save(tmp_path / "photo.png", compress_level=0)
    given = {"image": tmp_path / "photo.png", "trimap": picture.trimap}
    asked = request_for(inputs=given, outputs={"alpha": tmp_path / "alpha.tif"}, preview=4, depth="float")
    read = []
    for share in (3, 10**6):
        monkeypatch.setattr("hdmatt_core.pipeline.inputs.DECODED_SHARE", share)
        made = run(dataclasses.replace(asked, synchronous=True, overwrite=True, keep_run=True))
        planned = made.plan.inputs["image"].reduced_from
        assert planned is not None
        read.append((planned.reading, tifffile.imread(tmp_path / "alpha.tif")))
    assert [how for how, _ in read] == ["decoded", "streamed"]
    np.testing.assert_array_equal(read[0][1], read[1][1])
    names = sorted(p.name for p in (tmp_path / "alpha.tif.run" / "arrays.zarr").glob("input.*"))
    assert names == ["input.image", "input.trimap"]  # what was streamed at full size is gone
    run(dataclasses.replace(asked, synchronous=True, resume=True))


def test_sizes_and_the_fingerprint_tell_a_preview(request_for: Requests, tmp_path: Path) -> None:
    out: dict[str, Path | None] = {"alpha": tmp_path / "alpha.ome.zarr"}
    run(request_for(outputs=out, preview=4, synchronous=True, keep_run=True))
    begun = json.loads((tmp_path / "alpha.ome.zarr.run" / "run.json").read_text())["fingerprint"]
    assert begun["preview"] == "1/4"
    group = zarr.open_group(tmp_path / "alpha.ome.zarr", mode="r")
    assert group["0"].shape == (175, 275)  # type: ignore[union-attr]
    with pytest.raises(ResumeError, match="changed since: input 'image', input 'trimap', preview, size of input"):
        run(request_for(outputs=out, synchronous=True, resume=True))


def test_no_reduction_below_one(request_for: Requests) -> None:
    with pytest.raises(UserError, match="preview 0: give a whole number, 8 for 1/8 of the sides"):
        run(request_for(preview=0))
