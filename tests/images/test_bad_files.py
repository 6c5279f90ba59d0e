"""Every bad file gets one line: where, what, cure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
import zarr
from hdmatt_images.sources.jpeg import JpegSource
from hdmatt_images.sources.pillow import PillowSource
from hdmatt_images.sources.png import PngSource
from hdmatt_images.sources.tiff import TiffSource
from hdmatt_images.sources.zarr import ZarrSource
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import Source

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)


def _saved(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        Image.fromarray(PIXELS).save(path)
        return path

    return make


def _cut(name: str, keep: float) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = _saved(name)(folder)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * keep)])
        return path

    return make


def _holding(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def _png(width: int, height: int, bits: int = 8, colour: int = 0, data: bytes = b"") -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def _tiff(array: np.ndarray, **how: object) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "a.tif"
        tifffile.imwrite(path, array, metadata=None, **how)
        return path

    return make


def _zarr(array: np.ndarray) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "a.zarr"
        zarr.create_array(str(path), data=array)
        return path

    return make


def _tiff_bomb(folder: Path) -> Path:
    path = _tiff(GREY, compression="zlib")(folder)
    with tifffile.TiffFile(path, mode="r+") as file:
        for tag in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            file.pages[0].tags[tag].overwrite(60_000)
    return path


def _group(folder: Path) -> Path:
    group = zarr.open_group(str(folder / "a.zarr"), mode="w")
    group.create_array("alpha", shape=(4, 4), dtype="uint8")
    return folder / "a.zarr"


def _folder(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).mkdir()
        return folder / name

    return make


def _missing(name: str) -> Callable[[Path], Path]:
    return lambda folder: folder / name


CUT = "is damaged or cut short ({}); copy or export it again"
GREY = np.zeros((4, 4), dtype=np.uint8)

# what is wrong: the source, the file, the message behind its name
HEADERS = {
    "png that is none": (PngSource, _holding("a.png", b"no picture"), CUT.format("not a PNG file")),
    "png cut in two": (PngSource, _cut("a.png", 0.5), CUT.format("the PNG has no end")),
    "png of a signature": (PngSource, _cut("a.png", 0.01), CUT.format("the PNG has no end")),
    "png without pixels": (PngSource, _holding("a.png", _png(0, 4)), "has no pixels (0 x 4); export it again"),
    "png of no colour": (PngSource, _holding("a.png", _png(4, 4, colour=5)), CUT.format("colour type 5")),
    "png too long": (
        PngSource,
        _holding("a.png", _png(1_000_001, 1)),
        "has a side of more than 1000000 pixels; save it as TIFF or zarr",
    ),
    "png bomb": (
        PngSource,
        _holding("a.png", _png(60_000, 60_000)),
        "claims 3.6 GB of pixels in a file of 65 bytes, as a decompression bomb does; if it is honest, convert it to "
        "a tiled TIFF or to zarr",
    ),
    "jpeg that is none": (JpegSource, _holding("a.jpg", b"no picture"), CUT.format("not a JPEG file")),
    "nothing": (PngSource, _holding("a.png", b""), "is empty (0 bytes); copy or export it again"),
    "missing": (PngSource, _missing("a.png"), "no such file; check the name"),
    "folder": (PngSource, _folder("a.png"), "is a folder; give a picture file, or a zarr array"),
    "missing store": (ZarrSource, _missing("a.zarr"), "no such zarr store; check the name"),
    "webp that is none": (
        PillowSource,
        _holding("a.webp", b"no picture"),
        "is not a WebP, BMP or GIF picture; give a picture file",
    ),
    "tiff that is none": (
        TiffSource,
        _holding("a.tif", b"no picture"),
        CUT.format("not a TIFF file: header=b'no p'"),
    ),
    "tiff cut short": (TiffSource, _cut("a.tif", 0.9), CUT.format("the TIFF ends before its pixels do")),
    "tiff of complex numbers": (
        TiffSource,
        _tiff(GREY.astype(np.complex64)),
        "has complex64 samples, which are not read; save it with 8 or 16 bits, or as float32",
    ),
    "tiff of int32": (
        TiffSource,
        _tiff(GREY.astype(np.int32)),
        "has int32 samples, which are not read; save it with 8 or 16 bits, or as float32",
    ),
    "tiff of Lab colours": (
        TiffSource,
        _tiff(PIXELS, photometric="cielab"),
        "has colours of kind CIELAB, which are not read; save it as RGB or grey",
    ),
    "tiff of raw sensor values": (
        TiffSource,
        _tiff(GREY, photometric="cfa"),
        "has colours of kind CFA, which are not read; save it as RGB or grey",
    ),
    "tiff stack": (
        TiffSource,
        _tiff(np.zeros((5, 4, 4), dtype=np.uint8), photometric="minisblack"),
        "is a stack of 5 pictures; save the one you want as a file of its own",
    ),
    "tiff bomb": (
        TiffSource,
        _tiff_bomb,
        "claims 3.6 GB of pixels in a file of SIZE bytes, as a decompression bomb does; if it is honest, convert it to "
        "a tiled TIFF or to zarr",
    ),
    "zarr group": (
        ZarrSource,
        _group,
        "is a zarr group and not an array (arrays in it: alpha); give a.zarr/ARRAY",
    ),
    "zarr of int64": (
        ZarrSource,
        _zarr(GREY.astype(np.int64)),
        "has int64 samples, which are not read; save it as uint8, uint16 or float32",
    ),
    "zarr of four axes": (
        ZarrSource,
        _zarr(np.zeros((2, 3, 4, 4), dtype=np.uint8)),
        "has the shape (2, 3, 4, 4); give an array (y, x), (y, x, c) or (c, y, x)",
    ),
    "zarr without pixels": (
        ZarrSource,
        _zarr(np.zeros((0, 4), dtype=np.uint8)),
        "has no pixels (4 x 0); export it again",
    ),
}


def _of(stage: type[Source], path: Path, level: int = 0) -> Source:
    return stage(stage.Params.model_validate({"path": path, "level": level}))


@pytest.mark.parametrize("case", HEADERS)
def test_a_bad_header_is_refused_before_any_pixel_is_read(tmp_path: Path, case: str) -> None:
    stage, make, message = HEADERS[case]
    path = make(tmp_path)
    with pytest.raises(UserError) as caught:
        _of(stage, path).infer({})
    size = path.stat().st_size if path.exists() else 0
    assert str(caught.value) == f"{path}: {message}".replace("SIZE", str(size))


def _corrupt_png(folder: Path) -> Path:
    return _holding("a.png", _png(50, 40, data=b"\0" * 9))(folder)


def _corrupt_tile(folder: Path) -> Path:
    path = _tiff(PIXELS, photometric="rgb", compression="zlib", tile=(16, 16))(folder)
    page = tifffile.TiffFile(path).pages[0]
    data = bytearray(path.read_bytes())
    data[page.dataoffsets[0] : page.dataoffsets[0] + 9] = b"\xff" * 9
    path.write_bytes(data)
    return path


def _corrupt_chunk(folder: Path) -> Path:
    path = _zarr(PIXELS)(folder)
    for chunk in (path / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"rubbish")
    return path


@pytest.mark.parametrize(
    ("stage", "make", "message"),
    [
        (PngSource, _corrupt_png, CUT.format("Not enough image data")),
        (JpegSource, _cut("a.jpg", 0.7), CUT.format("the JPEG has no end")),
        (TiffSource, _corrupt_tile, None),
        (ZarrSource, _corrupt_chunk, None),
        (PillowSource, _cut("a.webp", 0.7), None),
        (PillowSource, _cut("a.bmp", 0.7), None),
    ],
)
def test_bad_pixels_are_said_to_be(window, tmp_path: Path, stage, make, message: str | None) -> None:
    path = make(tmp_path)
    source = _of(stage, path)
    with pytest.raises(UserError) as caught:
        window(source, Box((0, 0), (40, 50)))
    text = str(caught.value)
    assert text == f"{path}: {message or text.partition(': ')[2]}"
    assert "is damaged or cut short (" in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tif"])
def test_a_level_is_refused_where_there_are_none(tmp_path: Path, name: str, opened) -> None:
    source = opened(_saved(name)(tmp_path), level=1)
    with pytest.raises(UserError, match=r"has no level 1, only (level 0; leave level out|0 to 0; choose one of them)"):
        source.infer({})


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _saved("a.png")(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError) as caught:
        _of(PngSource, path).infer({})
    assert str(caught.value) == f"{path}: cannot be read (Permission denied); change its permissions"


def test_a_large_file_of_flat_colour_is_no_bomb(tmp_path: Path) -> None:
    """What deflate can honestly do (1000 to 1) stays below the rule."""
    path = _holding("a.png", _png(40_000, 40_000) + bytes(1_700_000))(tmp_path)
    assert _of(PngSource, path).infer({})["pixels"].shape == (40_000, 40_000, 3)


def test_a_flat_trimap_in_strips_is_no_bomb(tmp_path: Path) -> None:
    """Zstandard packs 33 MB of zeros into a kilobyte, and strips need not be held."""
    side, rows = 33_000, 1000
    strips = [imagecodecs.zstd_encode(bytes(rows * side))] * (side // rows)
    path, shape = tmp_path / "a.tif", (side, side)
    tifffile.imwrite(path, iter(strips), shape=shape, dtype="uint8", rowsperstrip=rows, compression="zstd")
    source = TiffSource(TiffSource.Params(path=path, role="trimap"))
    assert source.infer({})["pixels"].shape == shape
    assert source.resident_bytes() > side**2


@pytest.mark.parametrize("shape", [(1, 1), (7, 100_000), (100_000, 7)])
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_odd_shapes_are_read(opened, pixels, tmp_path: Path, shape: tuple[int, int], name: str) -> None:
    array = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    Image.fromarray(array).save(tmp_path / name)
    np.testing.assert_array_equal(pixels(opened(tmp_path / name)), array)
