"""Pyramidal TIFF files: those of other writers, and ours as others read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from hdmatt_images.depth import DTYPES, converted
from hdmatt_images.pyramid import halved
from hdmatt_images.sinks import tiff
from hdmatt_images.sinks.tiff import TiffSink

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import About, Lattice
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array

Save = Callable[[Path, Array], None]


def _vips(**how: Any) -> Save:
    def save(path: Path, array: Array) -> None:
        picture = pyvips.Image.new_from_array(array).copy(interpretation="rgb" if array.dtype == np.uint8 else "rgb16")
        picture.tiffsave(str(path), tile=True, pyramid=True, tile_width=64, tile_height=64, **how)

    return save


def _pages(**how: Any) -> Save:
    """Levels as pages one after another, or (``subifds``) below the first; striped if no tile is given."""

    def save(path: Path, array: Array) -> None:
        below = {key: value for key, value in how.items() if key != "subifds"}
        with tifffile.TiffWriter(path, bigtiff=True) as file:
            for level in range(3):
                reduced = array[:: 2**level, :: 2**level]
                if how.get("planarconfig") == "separate":
                    reduced = np.moveaxis(reduced, -1, 0)
                first = {"subfiletype": 1} if level else {k: v for k, v in how.items() if k == "subifds"}
                file.write(reduced, photometric="rgb", metadata=None, **below, **first)

    return save


PYRAMIDS: dict[str, Save] = {
    **{f"vips {c}": _vips(compression=c) for c in ("none", "deflate", "lzw", "packbits")},
    "vips, below": _vips(compression="deflate", subifd=True),
    "vips, big": _vips(compression="deflate", bigtiff=True, predictor="horizontal"),
    "pages": _pages(tile=(32, 32), compression="lzw"),
    "below": _pages(tile=(32, 32), compression="zstd", subifds=2),
    "strips": _pages(rowsperstrip=8, compression="zlib"),
    "planes": _pages(tile=(32, 32), planarconfig="separate", compression="zlib", predictor=True),
    "planes in strips": _pages(planarconfig="separate", subifds=2),
}


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("layout", PYRAMIDS)
def test_levels_of_other_writers(opened, pixels, window, noise, tmp_path: Path, layout: str, dtype: str) -> None:
    array = noise((230, 301, 3), dtype)
    path = tmp_path / "a.tif"
    PYRAMIDS[layout](path, array)
    with tifffile.TiffFile(path) as file:
        levels = [level.asarray() for level in file.series[0].levels]
    assert len(levels) >= 3
    np.testing.assert_array_equal(levels[0], np.moveaxis(array, -1, 0) if "planes" in layout else array)
    for level, whole in enumerate(levels):
        want = np.moveaxis(whole, 0, -1) if "planes" in layout else whole
        source, box = opened(path, level=level), Box((10, 3), (want.shape[0] - 5, want.shape[1] - 2))
        np.testing.assert_array_equal(pixels(source), want)
        np.testing.assert_array_equal(window(source, box), want[box.slices])
    with pytest.raises(UserError, match=f"a.tif: has no level {len(levels)}, only 0 to {len(levels) - 1}; choose one"):
        opened(path, level=len(levels)).infer({})


@pytest.mark.parametrize("subifd", [False, True])
def test_levels_packed_with_jpeg(opened, pixels, noise, tmp_path: Path, subifd: bool) -> None:
    smooth = pyvips.Image.new_from_array(noise((8, 8, 3))).resize(40, kernel="cubic")
    path = tmp_path / "a.tif"
    smooth.tiffsave(str(path), tile=True, pyramid=True, compression="jpeg", Q=90, subifd=subifd)
    for level in range(2):
        how = {"subifd": level - 1} if subifd else {"page": level}
        want = pyvips.Image.new_from_file(str(path), **how).numpy()
        got = pixels(opened(path, level=level)).astype(int)
        assert np.abs(got - want).max() <= 2  # two decoders of JPEG


@pytest.mark.parametrize("layout", ["vips deflate", "vips, below", "pages"])
def test_a_reduced_level_has_larger_pixels(opened, noise, tmp_path: Path, layout: str) -> None:
    path = tmp_path / "a.tif"
    PYRAMIDS[layout](path, noise((256, 512, 3)))
    tag = [tifffile.TiffFile(path).pages[0].tags[code] for code in (282, 283, 296)]
    if layout != "pages":
        assert tag  # libvips writes a resolution of its own
    with tifffile.TiffFile(path, mode="r+b") as file:
        for code, value in ((282, (600, 1)), (283, (300, 1)), (296, 2)):
            file.pages[0].tags[code].overwrite(value)
    assert opened(path).about().resolution == (600, 300)
    assert opened(path, level=1).about().resolution == (300, 150)


OME = (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="8" SizeY="8" SizeC="1" '
    'SizeZ="1" SizeT="1" PhysicalSizeX="{0}" PhysicalSizeXUnit="{2}" PhysicalSizeY="{1}" PhysicalSizeYUnit="{2}">'
    "<TiffData/></Pixels></Image></OME>"
)


@pytest.mark.parametrize(
    ("text", "resolution"),
    [
        (OME.format(0.5, 0.25, "µm"), (50800, 101600)),
        (OME.format(0.5, 0.25, "\N{GREEK SMALL LETTER MU}m"), (50800, 101600)),
        (OME.format(1, 2, "mm"), (25.4, 12.7)),
        (OME.format(1, 2, "pixel"), (72, 72)),
        (OME.format(0, 2, "mm"), (72, 72)),
        ("Aperio Image Library v11.2.1 \r\n8x8 |AppMag = 20|MPP = 0.5000|Left = 25.6", (50800, 50800)),
        ("a letter about MPP = 0.5", (72, 72)),
    ],
)
def test_what_microscopes_say_of_their_pixels(opened, noise, tmp_path: Path, text: str, resolution) -> None:
    path = tmp_path / "a.tif"
    how = {"description": text.encode(), "resolution": (72, 72), "resolutionunit": "inch"}
    tifffile.imwrite(path, noise((8, 8)), photometric="minisblack", metadata=None, ome=False, **how)
    assert opened(path, "mask").about().resolution == pytest.approx(resolution)


def test_sizes_of_pixels_go_from_tiff_to_ome_and_back(opened, written, noise, tmp_path: Path) -> None:
    written(tmp_path / "a.tif", noise((9, 9)), about=About(resolution=(50800, 101600)))
    written(tmp_path / "b.ome.zarr", noise((9, 9)), about=opened(tmp_path / "a.tif").about())
    about = opened(tmp_path / "b.ome.zarr").about()
    assert about.lattice == Lattice((0.25, 0.5), unit="micrometer")
    written(tmp_path / "c.tif", noise((9, 9)), about=about)
    assert opened(tmp_path / "c.tif").about().resolution == (50800, 101600)


@pytest.mark.parametrize("depth", DTYPES)
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_others_read_our_levels(written, noise, tmp_path: Path, depth: str, channels: int | None) -> None:
    array = noise((600, 1100) if channels is None else (600, 1100, channels), "float32")
    path = tmp_path / "a.ptif"
    written(path, array, depth, About(icc=b"some colours", resolution=(300, 150)))
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == len(file.series) == 1
        levels, want = file.series[0].levels, converted(array, DTYPES[depth])
        assert [level.shape[:2] for level in levels] == [(600, 1100), (300, 550), (150, 275)]
        for number, level in enumerate(levels):
            np.testing.assert_array_equal(level.asarray(), want)
            page, want = level.keyframe, halved(want)
            assert page.is_tiled
            assert (page.is_reduced, page.compression.name) == (number > 0, "ADOBE_DEFLATE")
            assert page.get_resolution("inch") == (300 / 2**number, 150 / 2**number)
            assert page.iccprofile == (b"some colours" if channels and not number else None)
            assert page.tags.valueof(338, ()) == ((2,) if channels == 4 else ())
    smallest = pyvips.Image.new_from_file(str(path), subifd=1)
    assert (smallest.height, smallest.width, smallest.bands) == (150, 275, channels or 1)


def test_our_levels_are_read_again(opened, pixels, written, noise, tmp_path: Path) -> None:
    array = noise((600, 700, 4), "uint16")
    written(tmp_path / "a.ptif", array, "16")
    np.testing.assert_array_equal(pixels(opened(tmp_path / "a.ptif", level=1)), halved(array)[..., :3])


@pytest.mark.parametrize(("name", "side", "levels"), [("a.tif", 900, 1), ("a.tif", 901, 2), ("a.ptif", 513, 2)])
def test_a_large_picture_becomes_a_pyramid(
    written, noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, side: int, levels: int
) -> None:
    monkeypatch.setattr(tiff, "LARGE", 900)
    written(tmp_path / name, noise((20, side)))
    with tifffile.TiffFile(tmp_path / name) as file:
        assert len(file.series[0].levels) == levels


def test_btf_is_a_bigtiff_whatever_its_size(written, noise, tmp_path: Path) -> None:
    written(tmp_path / "a.btf", noise((20, 20)))
    with tifffile.TiffFile(tmp_path / "a.btf") as file:
        assert file.is_bigtiff


def test_the_same_bytes_every_time(written, noise, tmp_path: Path) -> None:
    array = noise((700, 600, 4), "uint16")
    for name in ("a.ptif", "b.ptif"):
        written(tmp_path / name, array, "16")
    assert (tmp_path / "a.ptif").read_bytes() == (tmp_path / "b.ptif").read_bytes()


def test_pixels_are_asked_for_once_and_tile_by_tile(noise, tmp_path: Path) -> None:
    array = noise((1300, 1100))
    seen = np.zeros(array.shape, int)

    def read(box: Box) -> Array:
        assert max(box.shape) <= 512
        seen[box.slices] += 1
        return array[box.slices]

    path = tmp_path / "a.ptif"
    TiffSink(TiffSink.Params(path=path)).write(path, ArraySpec(("y", "x"), array.shape, "uint8"), read, About())
    assert (seen == 1).all()
