"""WebP, BMP and GIF: 8 bits, first frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hdmatt_images.sources.pillow import PillowSource
from PIL import Image, ImageOps


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_bmp_of_every_colour(opened, pixels, noise, tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(noise((30, 41, 3))).convert(mode)
    picture.save(tmp_path / "a.bmp")
    source = opened(tmp_path / "a.bmp")
    assert isinstance(source, PillowSource)
    np.testing.assert_array_equal(pixels(source), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("bands", [3, 4])
def test_webp_with_and_without_alpha(opened, pixels, noise, tmp_path: Path, bands: int) -> None:
    array = noise((30, 41, bands))
    Image.fromarray(array).save(tmp_path / "a.webp", lossless=True, exact=True)
    np.testing.assert_array_equal(pixels(opened(tmp_path / "a.webp")), array[..., :3])


def test_webp_is_turned_as_its_exif_says(opened, pixels, noise, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    path = tmp_path / "a.webp"
    Image.fromarray(noise((30, 41, 3))).save(path, lossless=True, exif=exif)
    np.testing.assert_array_equal(pixels(opened(path)), np.asarray(ImageOps.exif_transpose(Image.open(path))))


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_of_an_animation_the_first_frame_is_read(opened, pixels, tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
    assert (pixels(opened(tmp_path / name)) == (255, 0, 0)).all()


def test_a_grey_gif_is_a_mask(opened, pixels, noise, tmp_path: Path) -> None:
    array = noise((6, 8))
    Image.fromarray(array).save(tmp_path / "a.gif")
    np.testing.assert_array_equal(pixels(opened(tmp_path / "a.gif", "mask")), array)
