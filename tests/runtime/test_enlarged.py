"""Trimaps of lower resolution than the image: the nearest pixel, exactly, or an error with both sizes."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import hdmatt_core
from hdmatt_core.errors import HdmattWarning, UserError
from hdmatt_core.geometry import Box, factor_of
from hdmatt_core.runtime import enlarged
from hdmatt_core.runtime.enlarged import EnlargedSource, at_the_images_size
from hdmatt_core.runtime.inputs import ArraySource
from hdmatt_core.stage import Array, Block, Target
from hdmatt_core.testing import scene
from hdmatt_core.testing.context import FakeContext

SIDES = st.tuples(st.integers(1, 60), st.integers(1, 60))


def repeated(array: Array, factor: int, shape: tuple[int, int]) -> Array:
    return array.repeat(factor, axis=0).repeat(factor, axis=1)[: shape[0], : shape[1]]


def window(source: EnlargedSource, box: Box) -> Array:
    return source.run(Block(Target(box), {}, {}, frozenset({"pixels"})), FakeContext())["pixels"]


@given(SIDES, st.integers(2, 9), st.data())
@settings(max_examples=60)
def test_every_window_and_the_stream_are_the_nearest_pixels(
    shape: tuple[int, int], factor: int, data: st.DataObject
) -> None:
    small = (-(-shape[0] // factor), -(-shape[1] // factor))
    array = np.random.default_rng(0).choice(np.array([0, 128, 255], np.uint8), small)
    source = EnlargedSource(ArraySource(array, "trimap"), shape, factor)
    whole = repeated(array, factor, shape)
    assert source.infer({})["pixels"].shape == shape
    start = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    box = Box(start, tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True)))
    np.testing.assert_array_equal(window(source, box), whole[box.slices])
    travelled = pickle.loads(pickle.dumps(source))  # as to a worker
    np.testing.assert_array_equal(window(travelled, box), whole[box.slices])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enlarged, "BAND", 7)
        streamed = np.full(shape, 7, np.uint8)
        for at, piece in source.stream():
            assert piece.shape[0] <= 7
            streamed[at.slices] = piece
    np.testing.assert_array_equal(streamed, whole)


@given(SIDES, SIDES)
@settings(max_examples=200)
def test_a_factor_is_found_if_and_only_if_there_is_one(shape: tuple[int, int], image: tuple[int, int]) -> None:
    fits = [f for f in range(1, 61) if tuple(-(-n // f) for n in image) == shape]
    assert factor_of(shape, image) == (fits[0] if fits else None)


@pytest.mark.parametrize(("role", "warned"), [("trimap", True), ("mask", True), ("matte", False)])
def test_trimaps_and_masks_are_enlarged_with_a_warning(role: Any, warned: bool) -> None:
    image = ArraySource(np.zeros((101, 60, 3), np.uint8), "image")
    small = ArraySource(np.zeros((26, 15), np.uint8), role)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        got = at_the_images_size({"image": image, "it": small}, {"image": "image", "it": role})
    assert isinstance(got["it"], EnlargedSource) == warned
    assert [str(w.message) for w in said] == (
        ["it: has 15 x 26 pixels, the image 60 x 101; each pixel of it stands for 4 x 4 of the image's"] * warned
    )


def test_nothing_is_enlarged_without_one_image() -> None:
    sources = {"trimap": ArraySource(np.zeros((5, 5), np.uint8), "trimap")}
    assert at_the_images_size(sources, {"trimap": "trimap"}) == sources


@pytest.fixture
def matte(weights: Path) -> Callable[..., Array]:
    settings = (f"weights={weights}", "tiles.patch=96", "tiles.overlap=16", "tiles.side=2")

    def run(image: Any, trimap: Any) -> Array:
        result = hdmatt_core.matte(image, trimap, settings=settings, synchronous=True)
        assert result.alpha is not None
        return result.alpha

    return run


def test_a_run_with_a_smaller_trimap_equals_one_with_it_enlarged(matte: Callable[..., Array], tmp_path: Path) -> None:
    picture = scene(181, 242, seed=1)
    small = picture.trimap[::4, ::4]
    Image.fromarray(small).save(tmp_path / "trimap.png")
    with pytest.warns(HdmattWarning, match="stands for 4 x 4"):
        got = matte(picture.image, tmp_path / "trimap.png")
    np.testing.assert_array_equal(got, matte(picture.image, repeated(small, 4, (181, 242))))


def test_sizes_that_do_not_fit_are_refused_with_both(matte: Callable[..., Array]) -> None:
    picture = scene(181, 242, seed=1)
    with pytest.raises(UserError) as caught:
        matte(picture.image, np.ascontiguousarray(picture.trimap[:90, ::2]))
    assert "the image is 242 x 181 px, the trimap 121 x 90 px; make the trimap at the image's size, or an " in str(
        caught.value
    )
