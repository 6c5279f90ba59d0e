"""Streams: the same pixels as windows give, piece by piece."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from hdmatt_images import large
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import Source
from hdmatt_core.stage import Array

Save = Callable[[Path, Callable[..., Array]], Path]


def _png(dtype: str, bands: int) -> Save:
    def save(folder: Path, noise: Callable[..., Array]) -> Path:
        array = noise((70, 33, bands), dtype)
        (folder / "a.png").write_bytes(imagecodecs.png_encode(array if bands > 1 else array[..., 0]))
        return folder / "a.png"

    return save


def _pillow(mode: str, name: str, **how: Any) -> Save:
    def save(folder: Path, noise: Callable[..., Array]) -> Path:
        Image.fromarray(noise((70, 33, 3))).convert(mode).save(folder / name, **how)
        return folder / name

    return save


def _tiff(**how: Any) -> Save:
    def save(folder: Path, noise: Callable[..., Array]) -> Path:
        dtype = how.get("of", "uint8")
        array = noise((70, 33, 3), dtype)
        rest = {key: value for key, value in how.items() if key != "of"}
        tifffile.imwrite(folder / "a.tif", array, photometric="rgb", metadata=None, **rest)
        return folder / "a.tif"

    return save


def _turned(name: str, turn: int) -> Save:
    exif = Image.Exif()
    exif[0x0112] = turn
    return _pillow("RGB", name, exif=exif)


FILES: dict[str, Save] = {
    "grey 8": _png("uint8", 1),
    "grey and alpha 16": _png("uint16", 2),
    "rgb 16": _png("uint16", 3),
    "rgba 8": _png("uint8", 4),
    "palette": _pillow("P", "a.png"),
    "one bit": _pillow("1", "a.png"),
    "jpeg": _pillow("RGB", "a.jpg"),
    "grey jpeg": _pillow("L", "a.jpg"),
    "cmyk jpeg": _pillow("CMYK", "a.jpg"),
    "tiles": _tiff(tile=(16, 16)),
    "one strip": _tiff(rowsperstrip=70, compression="zlib"),
    "one strip 16": _tiff(rowsperstrip=70, compression="lzw", of="uint16"),
    "one strip float": _tiff(rowsperstrip=70, compression="zlib", of="float32"),
    **{f"png turned {turn}": _turned("a.png", turn) for turn in range(1, 9)},
    "jpeg turned 6": _turned("a.jpg", 6),
}


@pytest.mark.parametrize("role", ["image", "mask"])
@pytest.mark.parametrize("file", FILES)
@pytest.mark.filterwarnings("ignore:.*is coloured")
def test_a_stream_gives_the_pixels_that_windows_give(
    opened, pixels, noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, file: str
) -> None:
    monkeypatch.setattr(large, "BAND", 16)
    source = opened(FILES[file](tmp_path, noise), role)
    whole = pixels(source)
    streamed, seen = np.zeros_like(whole), np.zeros(whole.shape[:2], dtype=int)
    for box, piece in source.stream():
        assert min(piece.shape[:2]) <= 16
        streamed[box.slices] = piece
        seen[box.slices] += 1
    assert (seen == 1).all()
    np.testing.assert_array_equal(streamed, whole)


def _streamed(source: Source) -> int:
    return sum(piece.nbytes for _, piece in source.stream())


@pytest.mark.parametrize(
    ("save", "why"),
    [
        (_pillow("RGB", "a.jpg", progressive=True), "is interlaced or progressive"),
        (_pillow("RGB", "a.webp", lossless=True), "comes in one piece"),
        (_pillow("RGB", "a.bmp"), "comes in one piece"),
    ],
)
def test_what_comes_in_one_piece_is_refused(opened, noise, tmp_path: Path, save: Save, why: str) -> None:
    path = save(tmp_path, noise)
    with pytest.raises(UserError) as caught:
        _streamed(opened(path))
    assert str(caught.value) == (
        f"{path}: {why}, so it can be read only whole (0 MB); raise --memory, or convert it to a tiled TIFF or to zarr"
    )


def test_interlaced_png_is_refused(opened, noise, tmp_path: Path) -> None:
    import pyvips

    path = tmp_path / "a.png"
    pyvips.Image.new_from_array(noise((9, 9, 3))).pngsave(str(path), interlace=True)
    with pytest.raises(UserError, match="is interlaced or progressive, so it can be read only whole"):
        _streamed(opened(path))


def test_a_tiff_of_twelve_bits_is_refused(opened, noise, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise((9, 16), "uint16") % 4096, bitspersample=12)
    with pytest.raises(
        UserError, match=r"a\.tif: is not read piece by piece by libvips \(.*\), so it can be read only"
    ):
        list(large.bands(path, opened(path, "mask").header))


def test_without_libvips_the_extra_is_named(opened, noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = FILES["rgb 16"](tmp_path, noise)
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with pytest.raises(UserError) as caught:
        _streamed(opened(path))
    assert str(caught.value) == (
        f"{path}: is too large to be held (0 MB), and reading it piece by piece needs libvips; "
        "pip install 'hdmatt[large]', or raise --memory"
    )


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_damaged_file_is_said_to_be(opened, noise, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(noise((300, 300, 3))).save(path)
    source = opened(path)
    assert source.infer({})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=f"{name}: is damaged or cut short"):
        _streamed(source)


@pytest.mark.filterwarnings("ignore::hdmatt_core.errors.HdmattWarning")
@pytest.mark.parametrize("kind", ["grey", "coloured", "uneven", "image", "turned"])
def test_a_stream_takes_no_more_than_it_says(opened, tmp_path: Path, kind: str) -> None:
    width = 3000
    trimap = np.repeat(np.array([0, 128, 255], np.uint8), width // 3)[None].repeat(1100, 0)
    colours = np.repeat(trimap[..., None], 3, axis=2)
    colours[::7, ::13, 0] ^= 1
    uneven = np.resize(np.arange(256, dtype=np.uint8), trimap.shape)
    pixels = {"grey": trimap, "uneven": uneven}.get(kind, colours)
    extra = {"extratags": [(274, "H", 1, 6, True)]} if kind == "turned" else {}
    how = {"photometric": "rgb"} if pixels.ndim == 3 else {}
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="zlib", rowsperstrip=64, metadata=None, **how, **extra)
    source = opened(tmp_path / "a.tif", role="image" if kind in ("image", "turned") else "trimap")
    said = max(source.stream_bytes(), 2 * 1024 * source.infer({})["pixels"].row_bytes)
    for _ in source.stream():  # what is imported at first use is not the picture's
        pass
    tracemalloc.start()
    for _, piece in source.stream():
        del piece
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < said + 2_000_000


def test_colours_multiplied_by_alpha_are_not_streamed(opened, tmp_path: Path) -> None:
    pixels = np.full((64, 64, 4), 99, np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=["assocalpha"], compression="zlib", rowsperstrip=64
    )
    source = opened(tmp_path / "a.tif")
    assert source.read_stored(Box((0, 0), (2, 2))).tolist() == [[[99] * 3] * 2] * 2
    with pytest.raises(UserError, match="multiplied by alpha, which libvips undoes"):
        list(source.stream())
