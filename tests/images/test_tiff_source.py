"""TIFF files in strips and tiles, of every layout, read by window."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hdmatt_images.depth import converted
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box

LAYOUTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "plain strips": {"rowsperstrip": 5},
    "deflate strips": {"rowsperstrip": 5, "compression": "zlib", "predictor": True},
    "one strip": {"rowsperstrip": 100, "compression": "zlib"},
    "lzw": {"rowsperstrip": 7, "compression": "lzw"},
    "packbits": {"rowsperstrip": 7, "compression": "packbits"},
    "tiles": {"tile": (16, 32)},
    "zstd tiles": {"tile": (16, 16), "compression": "zstd", "predictor": True},
    "lzma tiles": {"tile": (32, 16), "compression": "lzma"},
    "big": {"bigtiff": True, "tile": (16, 16), "compression": "zlib"},
    "planes": {"planarconfig": "separate", "rowsperstrip": 9, "compression": "zlib"},
    "plain planes": {"planarconfig": "separate"},
    "tiled planes": {"planarconfig": "separate", "tile": (16, 16)},
    "other byte order": {"byteorder": ">", "rowsperstrip": 5},
    "other byte order, packed": {"byteorder": ">", "tile": (16, 16), "compression": "zlib", "predictor": True},
}


def save(path: Path, array: Any, **how: Any) -> Path:
    how = {"photometric": "rgb" if array.ndim == 3 else "minisblack", "metadata": None, **how}
    if array.ndim == 2:
        how.pop("planarconfig", None)
    elif how.get("planarconfig") == "separate":
        array = np.moveaxis(array, 2, 0)
    tifffile.imwrite(path, array, **how)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bands", [1, 3, 4])
def test_windows_equal_the_array(opened, window, pixels, noise, tmp_path, dtype: str, layout: str, bands: int) -> None:
    array = noise((45, 61, bands) if bands > 1 else (45, 61), dtype)
    extra = {"extrasamples": ["unassalpha"]} if bands == 4 else {}
    source = opened(save(tmp_path / "a.tif", array, **LAYOUTS[layout], **extra))
    want = array[..., :3] if bands > 1 else np.repeat(array[..., None], 3, axis=2)
    box = Box((11, 15), (37, 50))
    np.testing.assert_array_equal(window(source, box), want[box.slices])
    np.testing.assert_array_equal(pixels(source), want)


@given(data=st.data())
@settings(max_examples=60)
def test_any_window_of_any_layout(opened, window, noise, tmp_path_factory, data: st.DataObject) -> None:
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    shape = data.draw(st.tuples(st.integers(1, 50), st.integers(1, 50)))
    array = noise((*shape, 3))
    source = opened(save(tmp_path_factory.mktemp("tiff") / "a.tif", array, **LAYOUTS[layout]))
    start = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    box = Box(start, tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True)))
    np.testing.assert_array_equal(window(source, box), array[box.slices])


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_orientation_tag_is_applied(opened, pixels, window, noise, tmp_path: Path, turn: int) -> None:
    array = noise((20, 33, 3))
    tag = [(274, 3, 1, turn, True)]
    path = save(tmp_path / "a.tif", array, extratags=tag, resolution=(300, 150), resolutionunit="inch")
    picture = Image.fromarray(array)
    picture.getexif()[0x0112] = turn
    source, want = opened(path), np.asarray(ImageOps.exif_transpose(picture))
    np.testing.assert_array_equal(pixels(source), want)
    np.testing.assert_array_equal(window(source, Box((3, 5), (17, 16))), want[3:17, 5:16])
    assert source.about().resolution == ((300, 150) if turn < 5 else (150, 300))


def test_resolution_per_centimetre_is_given_per_inch(opened, noise, tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", noise((4, 4)), resolution=(100, 100), resolutionunit="centimeter")
    assert opened(path).about().resolution == (254, 254)


@pytest.mark.parametrize("unit", ["none", "inch"])
def test_a_resolution_that_means_nothing_is_left_behind(opened, noise, tmp_path: Path, unit: str) -> None:
    path = save(tmp_path / "a.tif", noise((4, 4)), resolution=(0 if unit == "inch" else 1, 1), resolutionunit=unit)
    assert opened(path).about().resolution is None


def test_white_may_be_zero(opened, pixels, noise, tmp_path: Path) -> None:
    array = noise((9, 9))
    path = save(tmp_path / "a.tif", array, photometric="miniswhite")
    np.testing.assert_array_equal(pixels(opened(path, "mask")), 255 - array)


def test_a_palette_becomes_rgb(opened, pixels, noise, tmp_path: Path) -> None:
    array, table = noise((9, 9)), noise((3, 256), seed=1)
    path = save(tmp_path / "a.tif", array, photometric="palette", colormap=table.astype(np.uint16) * 257)
    np.testing.assert_array_equal(pixels(opened(path)), table.T[array])


def test_one_bit_is_black_and_white(opened, pixels, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.eye(19, dtype=bool)).save(path)
    np.testing.assert_array_equal(pixels(opened(path, "mask")), np.eye(19) * 255)


@pytest.mark.parametrize("bits", [2, 4, 10, 12, 14])
def test_few_bits_are_stretched(opened, pixels, noise, tmp_path: Path, bits: int) -> None:
    dtype, full = ("uint8", 255) if bits < 8 else ("uint16", 65535)
    array = noise((9, 16), dtype) % (1 << bits)
    path = save(tmp_path / "a.tif", array, bitspersample=bits)
    want = np.round(array / ((1 << bits) - 1) * full)
    np.testing.assert_array_equal(pixels(opened(path, "mask")), want)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_floats_become_float32(opened, pixels, noise, tmp_path: Path, dtype: str) -> None:
    array = noise((9, 16), "float32").astype(dtype)
    path = save(tmp_path / "a.tif", array)
    np.testing.assert_array_equal(pixels(opened(path, "matte")), array.astype(np.float32))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_cmyk_becomes_rgb_of_the_same_depth(opened, pixels, noise, tmp_path: Path, dtype: str) -> None:
    import pyvips

    icc = bytes(pyvips.Image.profile_load("cmyk"))
    array = noise((9, 16, 4))
    path = save(tmp_path / "a.tif", converted(array, dtype), photometric="separated", iccprofile=icc)
    source = opened(path)
    got = pixels(source)
    assert got.dtype == dtype
    assert source.about().icc is None
    jpeg_like = opened(save(tmp_path / "b.tif", array, photometric="separated", iccprofile=icc))
    np.testing.assert_allclose(got / np.iinfo(dtype).max, pixels(jpeg_like) / 255, atol=0.003)


def test_jpeg_in_tiff_is_rgb(opened, pixels, noise, tmp_path: Path) -> None:
    array = np.kron(noise((3, 4, 3)), np.ones((32, 32, 1), dtype=np.uint8))
    path = save(tmp_path / "a.tif", array, tile=(32, 32), compression="jpeg", compressionargs={"level": 95})
    assert tifffile.TiffFile(path).pages[0].photometric.name == "YCBCR"
    np.testing.assert_array_equal(pixels(opened(path)), tifffile.imread(path))
    np.testing.assert_allclose(pixels(opened(path)).astype(int), array, atol=12)


def test_the_profile_goes_on(opened, noise, tmp_path: Path) -> None:
    icc = b"\0" * 16 + b"RGB " + b"\0" * 108
    assert opened(save(tmp_path / "a.tif", noise((4, 4, 3)), iccprofile=icc)).about().icc == icc


def test_a_level_of_a_pyramid_is_read(opened, pixels, noise, tmp_path: Path) -> None:
    array = noise((64, 96, 3))
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(array, subifds=1, photometric="rgb", tile=(16, 16))
        file.write(array[::2, ::2], subfiletype=1, photometric="rgb", tile=(16, 16))
    np.testing.assert_array_equal(pixels(opened(path)), array)
    np.testing.assert_array_equal(pixels(opened(path, level=1)), array[::2, ::2])
    with pytest.raises(UserError, match=r"a\.tif: has no level 2, only 0 to 1; choose one of them"):
        opened(path, level=2).infer({})


def test_pieces_that_a_sparse_file_leaves_out_are_black(opened, pixels, noise, tmp_path: Path) -> None:
    tiles: list[Any] = [noise((16, 16)), None, None, noise((16, 16), seed=1)]
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, iter(tiles), shape=(32, 32), dtype="uint8", tile=(16, 16), compression="zlib")
    got = pixels(opened(path, "mask"))
    np.testing.assert_array_equal(got[:16, :16], tiles[0])
    assert not got[:16, 16:].any()


def test_only_touched_tiles_are_decoded(opened, window, noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hdmatt_images.tiff_page as module

    read: list[int] = []
    plain = module.TiffPage._bytes
    monkeypatch.setattr(module.TiffPage, "_bytes", lambda self, o, n: read.append(n) or plain(self, o, n))
    packed = opened(save(tmp_path / "a.tif", noise((640, 640)), tile=(64, 64), compression="zlib"), "mask")
    assert packed.infer({})
    assert not read
    window(packed, Box((60, 60), (70, 70)))
    assert len(read) == 4
    assert packed.resident_bytes() == 0
    read.clear()
    plainly = opened(save(tmp_path / "b.tif", noise((640, 640))), "mask")
    window(plainly, Box((60, 60), (70, 80)))
    assert read == [20] * 10
    assert plainly.resident_bytes() == 0


@pytest.mark.parametrize("rows", [64, 8])
def test_a_picture_packed_in_strips_is_held(opened, window, noise, tmp_path: Path, monkeypatch, rows: int) -> None:
    import hdmatt_images.tiff_page as module

    path = save(tmp_path / "a.tif", noise((64, 64)), rowsperstrip=rows, compression="zlib")
    source = opened(path, "mask")
    assert source.resident_bytes() >= 64 * 64
    window(source, Box((0, 0), (1, 1)))
    monkeypatch.setattr(module.TiffPage, "read", None)
    window(source, Box((63, 63), (64, 64)))  # from what is held


def test_threads_read_from_one_file(opened, window, noise, tmp_path: Path) -> None:
    array = noise((300, 300))
    boxes = [Box((y, x), (y + 60, x + 60)) for y in range(0, 240, 40) for x in range(0, 240, 40)]
    for name, how in (("a.tif", {"tile": (32, 32), "compression": "zlib"}), ("b.tif", {})):
        source = opened(save(tmp_path / name, array, **how), "mask")
        with ThreadPoolExecutor(8) as pool:
            for box, got in zip(boxes, pool.map(partial(window, source), boxes), strict=True):
                np.testing.assert_array_equal(got, array[box.slices])


def test_two_roles_share_one_open_file_and_close_closes_it(opened, window, noise, tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", noise((40, 40)), tile=(16, 16))
    source, other = opened(path), opened(path, "mask")
    window(source, Box((0, 0), (2, 2)))
    page = source._page()
    assert other._page() is page
    source.close()
    assert page._file.filehandle.closed
    assert window(other, Box((0, 0), (2, 2))).shape == (2, 2)
