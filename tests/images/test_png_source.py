"""PNG files of every kind, read as the rules say."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hdmatt_images.sources.png import PngSource
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from hdmatt_core.errors import HdmattWarning
from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_depth_is_kept_and_alpha_ignored(opened, pixels, noise, tmp_path: Path, dtype: str, bands: int) -> None:
    array = noise((7, 9, bands), dtype)
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(array if bands > 1 else array[..., 0]))
    source = opened(path)
    assert isinstance(source, PngSource)
    want = array[..., :3] if bands > 2 else np.repeat(array[..., :1], 3, axis=2)
    got = pixels(source)
    np.testing.assert_array_equal(got, want)
    assert got.dtype == dtype


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_becomes_rgb_with_or_without_transparency(opened, pixels, noise, tmp_path: Path, bits: int) -> None:
    picture = Image.fromarray(noise((7, 9)) & (2**bits - 1)).convert("P")
    picture.putpalette(noise((3 * 2**bits,), seed=1).tolist())
    for extra in ({}, {"transparency": 1}):
        path = tmp_path / f"{len(extra)}.png"
        picture.save(path, bits=bits, **extra)
        np.testing.assert_array_equal(pixels(opened(path)), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_of_few_bits_is_stretched(opened, pixels, noise, tmp_path: Path, bits: int) -> None:
    rows = noise((5, 8 * bits // 8))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 5, bits, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b""))
    flat = np.unpackbits(rows, axis=1).reshape(5, 8, bits)
    values = flat @ (1 << np.arange(bits)[::-1])
    np.testing.assert_array_equal(pixels(opened(path, "mask")), values * (255 // (2**bits - 1)))


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_is_applied_to_pixels_and_resolution(opened, pixels, noise, tmp_path, turn: int) -> None:
    picture = Image.fromarray(noise((5, 8, 3)))
    exif = Image.Exif()
    exif[0x0112] = turn
    path = tmp_path / "a.png"
    picture.save(path, exif=exif, dpi=(300, 150))
    source = opened(path)
    want = ImageOps.exif_transpose(Image.open(path))
    np.testing.assert_array_equal(pixels(source), np.asarray(want))
    resolution = source.about().resolution
    np.testing.assert_allclose(resolution, (300, 150) if turn < 5 else (150, 300), atol=0.02)


def test_exif_behind_the_pixels_is_found(opened, noise, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.png"
    Image.fromarray(noise((5, 8, 3))).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + data[-12:])
    assert opened(path).infer({})["pixels"].shape == (8, 5, 3)


def test_the_profile_goes_on(opened, noise, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(noise((5, 8, 3))).save(path, icc_profile=ICC)
    assert opened(path).about().icc == ICC


@pytest.mark.parametrize("profile", [b"x\0\0" + b"not deflate", b"", b"x\0\0" + zlib.compress(b"g" * 16 + b"GRAY")])
def test_a_profile_that_is_broken_or_not_of_rgb_is_left_behind(opened, noise, tmp_path, profile: bytes) -> None:
    info = PngImagePlugin.PngInfo()
    info.add(b"iCCP", profile)
    path = tmp_path / "a.png"
    Image.fromarray(noise((5, 8, 3))).save(path, pnginfo=info)
    assert opened(path).about().icc is None


def test_interlaced_files_are_read(opened, pixels, noise, tmp_path: Path) -> None:
    import pyvips

    array = noise((17, 23, 3))
    path = tmp_path / "a.png"
    pyvips.Image.new_from_array(array).pngsave(str(path), interlace=True)
    np.testing.assert_array_equal(pixels(opened(path)), array)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA"])
def test_a_trimap_may_be_stored_in_any_colours(opened, pixels, tmp_path: Path, mode: str) -> None:
    trimap = np.repeat(np.array([0, 128, 255], dtype=np.uint8), 8)[None].repeat(4, axis=0)
    path = tmp_path / "a.png"
    Image.fromarray(trimap).convert(mode).save(path)
    np.testing.assert_array_equal(pixels(opened(path, "trimap")), trimap)


def test_a_one_bit_trimap_has_nothing_unknown(opened, pixels, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.eye(9, dtype=bool)).save(path)
    np.testing.assert_array_equal(pixels(opened(path, "trimap")), np.eye(9) * 255)


def test_a_soft_trimap_warns_of_the_file(opened, pixels, tmp_path: Path) -> None:
    path = tmp_path / "soft.png"
    Image.fromarray(np.arange(256, dtype=np.uint8)[None]).save(path)
    with pytest.warns(HdmattWarning, match=r"soft\.png: the trimap holds other values .*253 kinds"):
        trimap = pixels(opened(path, "trimap"))
    assert [int((trimap == v).sum()) for v in (0, 128, 255)] == [85, 85, 86]


def test_pixels_are_decoded_once_for_all_roles_and_windows(
    opened, window: Callable[..., Array], noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(noise((64, 64, 3))).save(path)
    decode, calls = imagecodecs.png_decode, []
    monkeypatch.setattr(imagecodecs, "png_decode", lambda data: calls.append(1) or decode(data))
    source = opened(path)
    assert source.infer({})
    assert source.resident_bytes() == 64 * 64 * 3 + path.stat().st_size
    assert not calls  # metadata alone
    for box in (Box((0, 0), (4, 4)), Box((60, 60), (64, 64))):
        window(source, box)
        window(opened(path, "image"), box)
    assert len(calls) == 1
    source.close()
    window(source, box)
    assert len(calls) == 2
