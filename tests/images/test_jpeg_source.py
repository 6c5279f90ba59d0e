"""JPEG files: grey, RGB, CMYK, turned, with what they carry."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hdmatt_images.jpeg_markers import complete
from hdmatt_images.sources.jpeg import JpegSource
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_pixels_are_those_that_pillow_decodes(opened, pixels, noise, tmp_path, mode: str, progressive: bool) -> None:
    path = tmp_path / "a.JPG"
    Image.fromarray(noise((30, 41, 3))).convert(mode).save(path, "JPEG", progressive=progressive)
    source = opened(path)
    assert isinstance(source, JpegSource)
    np.testing.assert_array_equal(pixels(source), np.asarray(Image.open(path).convert("RGB")))


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_is_applied(opened, pixels, noise, tmp_path: Path, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    path = tmp_path / "a.jpg"
    Image.fromarray(noise((30, 41, 3))).save(path, exif=exif, dpi=(300, 200))
    source = opened(path)
    np.testing.assert_array_equal(pixels(source), np.asarray(ImageOps.exif_transpose(Image.open(path))))
    assert source.about().resolution == ((300, 200) if turn < 5 else (200, 300))


def test_broken_exif_turns_nothing(opened, noise, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(noise((30, 41, 3))).save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff rubbish")
    assert opened(path).infer({})["pixels"].shape == (30, 41, 3)


def test_cmyk_goes_through_its_profile_and_leaves_it_behind(opened, pixels, noise, tmp_path: Path) -> None:
    import pyvips

    icc = bytes(pyvips.Image.profile_load("cmyk"))
    path = tmp_path / "a.jpg"
    Image.fromarray(noise((30, 41, 4)), "CMYK").save(path, icc_profile=icc, quality=95)
    inks = Image.open(path)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    want = ImageCms.profileToProfile(inks, profile, SRGB, outputMode="RGB")
    source = opened(path)
    np.testing.assert_allclose(pixels(source).astype(int), np.asarray(want).astype(int), atol=1)
    assert source.about().icc is None


def test_cmyk_without_a_profile_is_read_plainly(opened, pixels, noise, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(noise((30, 41, 4)), "CMYK").save(path)
    want = np.asarray(Image.open(path).convert("RGB")).astype(int)
    np.testing.assert_allclose(pixels(opened(path)).astype(int), want, atol=1)


def test_the_profile_goes_on(opened, noise, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(noise((30, 41, 3))).save(path, icc_profile=SRGB.tobytes())
    assert opened(path).about().icc == SRGB.tobytes()


@given(st.booleans(), st.integers(1, 400), st.binary(max_size=20))
def test_a_file_is_complete_up_to_its_end_marker_whatever_follows(progressive: bool, cut: int, tail: bytes) -> None:
    packed = io.BytesIO()
    thumbnail = io.BytesIO()  # holds an end marker of its own
    Image.new("RGB", (8, 8)).save(thumbnail, "JPEG")
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8))
    picture.save(packed, "JPEG", progressive=progressive, comment=thumbnail.getvalue())
    data = packed.getvalue()
    assert complete(data + tail)
    assert not complete(data[: -min(cut, len(data))])
