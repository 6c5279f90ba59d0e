"""Roles, depths and colours: each stated rule once."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hdmatt_images.colour import rgb_from_cmyk
from hdmatt_images.depth import converted, widened
from hdmatt_images.held import release
from hdmatt_images.rules import Place, as_role
from hypothesis import given
from hypothesis import strategies as st

from hdmatt_core.errors import HdmattWarning, UserError
from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array

PLACE = Place(Path("trimap.png"), Box((10, 20), (11, 21)))


def _column(*values: float, dtype: str = "uint8") -> Array:
    return np.array(values, dtype=dtype)[:, None, None]


@pytest.mark.parametrize(("bands", "of"), [(1, (0, 0, 0)), (2, (0, 0, 0)), (3, (0, 1, 2)), (4, (0, 1, 2))])
def test_an_image_has_three_channels_and_no_alpha(bands: int, of: tuple[int, ...]) -> None:
    window = np.arange(2 * 3 * bands, dtype=np.uint16).reshape(2, 3, bands)
    np.testing.assert_array_equal(as_role(window, "image", PLACE), window[..., list(of)])


@pytest.mark.parametrize(
    ("dtype", "values"),
    [("uint8", (0, 128, 255)), ("uint16", (0, 32896, 65535)), ("float32", (0, 0.5, 1))],
)
def test_a_clean_trimap_of_any_depth_needs_no_warning(dtype: str, values: tuple[float, ...]) -> None:
    trimap = as_role(_column(*values, dtype=dtype), "trimap", PLACE)
    np.testing.assert_array_equal(trimap, [[0], [128], [255]])
    assert trimap.dtype == np.uint8


def test_an_uneven_trimap_is_cut_at_85_and_170_with_one_warning() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trimap = as_role(_column(84, 85, 127, 169, 170), "trimap", PLACE)
        as_role(_column(3), "trimap", PLACE)
    np.testing.assert_array_equal(trimap[:, 0], [0, 128, 128, 128, 255])
    assert [str(w.message) for w in caught] == [
        "trimap.png: the trimap holds other values than 0, 128 and 255 (5 kinds where first seen, such as 127); "
        "below 85 was read as background, from 170 on as foreground, the rest as unknown"
    ]
    release(PLACE.path)
    with pytest.warns(HdmattWarning, match="1 kind where first seen, such as 3"):
        as_role(_column(3), "trimap", PLACE)


def test_a_grey_trimap_in_rgb_is_its_channel() -> None:
    grey = _column(0, 128, 255)
    np.testing.assert_array_equal(as_role(np.repeat(grey, 4, axis=2), "trimap", PLACE), grey[..., 0])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_coloured_mask_is_its_luma_with_a_warning(dtype: str) -> None:
    full = 1.0 if dtype == "float32" else np.iinfo(dtype).max
    window = np.array([[[full, 0, 0], [0, full, 0], [full, full, full]]], dtype=dtype)
    with pytest.warns(HdmattWarning, match=r"the mask is coloured; its luma .* was read"):
        mask = as_role(window, "mask", PLACE)
    np.testing.assert_allclose(mask / full, [[0.299, 0.587, 1]], atol=0.003)
    assert mask.dtype == dtype


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "hdr.tif: holds nan at y=10, x=20; float pictures must be within 0..1, repair it"),
        (np.inf, "hdr.tif: holds inf at y=10, x=20; float pictures must be within 0..1, repair it"),
        (1.5, "hdr.tif: holds 1.5 at y=10, x=20; float pictures must be within 0..1, scale the picture to 0..1"),
        (-0.5, "hdr.tif: holds -0.5 at y=10, x=20; float pictures must be within 0..1, scale the picture to 0..1"),
    ],
)
@pytest.mark.parametrize("role", ["image", "matte"])
def test_floats_outside_the_scale_are_refused_with_their_place(value: float, message: str, role: str) -> None:
    with pytest.raises(UserError) as caught:
        as_role(_column(value, dtype="float32"), role, Place(Path("hdr.tif"), PLACE.box))  # type: ignore[arg-type]
    assert str(caught.value) == message


@given(st.sampled_from(["uint8", "uint16", "float32"]), st.sampled_from(["uint8", "uint16", "float32"]), st.data())
def test_a_change_of_depth_keeps_the_share_of_full_scale(before: str, after: str, data: st.DataObject) -> None:
    full = {"uint8": 255, "uint16": 65535, "float32": 1}
    share = data.draw(st.integers(0, 65535)) / 65535
    value = np.array([share * full[before]])
    value = value.astype(before) if before == "float32" else value.round().astype(before)
    got = converted(value, after)
    exact = float(value[0]) / full[before] * full[after]
    assert got.dtype == after
    assert abs(float(got[0]) - exact) <= (1e-7 if after == "float32" else 0.505)


def test_every_8_bit_value_survives_16_bits_and_float() -> None:
    every = np.arange(256, dtype=np.uint8)
    for way in ("uint16", "float32"):
        np.testing.assert_array_equal(converted(converted(every, way), "uint8"), every)


def test_every_16_bit_value_survives_float() -> None:
    every = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(converted(converted(every, "float32"), "uint16"), every)


def test_halves_are_rounded_upwards_and_floats_clipped() -> None:
    values = np.array([-1, 0, 0.5 / 255, 0.5, 1, 2], dtype=np.float32)
    np.testing.assert_array_equal(converted(values, "uint8"), [0, 0, 1, 128, 255, 255])


@pytest.mark.parametrize(("bits", "full"), [(1, 255), (2, 255), (4, 255), (8, 255), (10, 65535), (12, 65535)])
def test_samples_of_few_bits_are_stretched(bits: int, full: int) -> None:
    values = np.array([0, 2**bits - 1], dtype=np.uint16)
    np.testing.assert_array_equal(widened(values, bits), [0, full])


@pytest.mark.parametrize(("dtype", "full"), [("uint8", 255), ("uint16", 65535)])
@pytest.mark.parametrize("icc", [None, b"no profile at all"])
def test_cmyk_without_a_profile_is_paper_less_ink_less_black(dtype: str, full: int, icc: bytes | None) -> None:
    inks = np.array([[[0, 0, 0, 0], [full, 0, 0, 0], [0, full, full, 0], [0, 0, 0, full]]], dtype=dtype)
    want = np.array([[[1, 1, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0]]]) * full
    np.testing.assert_array_equal(rgb_from_cmyk(inks, icc), want)
