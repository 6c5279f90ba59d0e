"""What sinks write is read by others, keeps what travels with a picture, and takes no more memory than it says."""

from __future__ import annotations

import errno
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from hdmatt_images.depth import DTYPES, converted
from hdmatt_images.sinks import tiff
from hdmatt_images.sinks.jpeg import JpegSink
from hdmatt_images.sinks.png import PngSink
from hdmatt_images.sinks.tiff import TiffSink
from hdmatt_images.sinks.zarr import ZarrSink
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import About
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ABOUT = About(icc=ICC, resolution=(300, 150))
SINKS = {".png": PngSink, ".tif": TiffSink, ".zarr": ZarrSink, ".jpg": JpegSink}
LOSSLESS = [(".png", "8"), (".png", "16"), *((s, d) for s in (".tif", ".zarr") for d in DTYPES)]


def _sink(path: Path, depth: str = "8") -> Any:
    stage = SINKS[path.suffix]
    return stage(stage.Params.model_validate({"path": path, "depth": depth}))


def _spec(shape: tuple[int, ...], dtype: str = "float32") -> ArraySpec:
    return ArraySpec(("y", "x", "c")[: len(shape)], shape, dtype)


SHAPES = st.one_of(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.just(1), st.integers(500, 1100)),
    st.tuples(st.integers(500, 1100), st.just(1)),
)


@given(SHAPES, st.sampled_from([None, 3, 4]), st.sampled_from(LOSSLESS), st.sampled_from(list(DTYPES.values())))
@settings(max_examples=50)
def test_what_was_written_is_read_again(
    opened, pixels, written, noise, tmp_path_factory, shape, channels, to: tuple[str, str], dtype: str
) -> None:
    suffix, depth = to
    array = noise(shape if channels is None else (*shape, channels), dtype)
    path = tmp_path_factory.mktemp("round") / f"a{suffix}"
    written(path, array, depth)
    want = converted(array, DTYPES[depth])
    got = pixels(opened(path, "mask" if channels is None else "image"))
    np.testing.assert_array_equal(got, want if channels is None else want[..., :3])


@pytest.mark.parametrize("depth", ["8", "16"])
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_png_is_what_other_decoders_read(written, noise, tmp_path: Path, depth: str, channels: int | None) -> None:
    import imagecodecs

    array = noise((700, 90) if channels is None else (700, 90, channels), "float32")
    written(tmp_path / "a.png", array, depth)
    got = imagecodecs.png_decode((tmp_path / "a.png").read_bytes())
    np.testing.assert_array_equal(got, converted(array, DTYPES[depth]))
    Image.open(tmp_path / "a.png").load()  # checks every sum


def test_png_carries_profile_and_resolution(written, noise, tmp_path: Path) -> None:
    written(tmp_path / "a.png", noise((9, 8, 4)), about=ABOUT)
    info = Image.open(tmp_path / "a.png").info
    assert info["icc_profile"] == ICC
    np.testing.assert_allclose(info["dpi"], (300, 150), atol=0.02)
    written(tmp_path / "b.png", noise((9, 8), "float32"), about=ABOUT)
    info = Image.open(tmp_path / "b.png").info
    assert "icc_profile" not in info  # a profile of RGB says nothing of a matte
    np.testing.assert_allclose(info["dpi"], (300, 150), atol=0.02)


@pytest.mark.parametrize("depth", DTYPES)
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_tiff_is_tiled_and_says_what_it_holds(written, noise, tmp_path: Path, depth: str, channels) -> None:
    array = noise((600, 700) if channels is None else (600, 700, channels), "float32")
    written(tmp_path / "a.tif", array, depth, ABOUT)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        np.testing.assert_array_equal(page.asarray(), converted(array, DTYPES[depth]))
        assert (page.tilelength, page.tilewidth) == (512, 512)
        assert page.compression.name == "ADOBE_DEFLATE"
        assert page.tags.valueof(338, ()) == ((2,) if channels == 4 else ())  # 2 is straight alpha
        assert page.iccprofile == (ICC if channels else None)
        assert page.get_resolution("inch") == (300, 150)
        assert not file.is_bigtiff


def test_a_large_tiff_is_a_bigtiff(written, noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff, "_CLASSIC", 90 * 80)
    for side, big in ((80, False), (81, True)):
        written(tmp_path / "a.tif", noise((90, side)))
        with tifffile.TiffFile(tmp_path / "a.tif") as file:
            assert file.is_bigtiff == big


def test_zarr_is_one_array_at_the_root(written, noise, tmp_path: Path) -> None:
    array = noise((600, 2100), "float32")
    array[:512, :512] = 0
    written(tmp_path / "a.zarr", array, "16")
    got = zarr.open_array(str(tmp_path / "a.zarr"), mode="r")
    assert (got.shape, got.chunks, got.shards) == ((600, 2100), (512, 512), (1024, 1024))
    assert got.metadata.zarr_format == 3
    assert got.metadata.dimension_names == ("y", "x")
    np.testing.assert_array_equal(got[...], converted(array, "uint16"))


def test_jpeg_is_near(written, tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    written(tmp_path / "a.jpg", ramp, about=ABOUT)
    picture = Image.open(tmp_path / "a.jpg")
    assert picture.mode == "L"
    assert picture.info["dpi"] == (300, 150)
    np.testing.assert_allclose(np.asarray(picture) / 255, ramp, atol=0.02)
    written(tmp_path / "b.jpg", np.repeat(ramp[..., None], 3, axis=2), about=ABOUT)
    assert Image.open(tmp_path / "b.jpg").info["icc_profile"] == ICC


REFUSED = [
    ("a.jpg", "8", (4, 4, 4), "this format holds no transparency (RGBA); write the cut-out to .png or .tif"),
    (
        "a.png",
        "float",
        (4, 4),
        "this format holds no float samples; choose another depth (8 or 16), or write .tif or .zarr",
    ),
    ("a.jpg", "16", (4, 4), "this format holds no 16-bit samples; choose another depth (8), or write .tif or .zarr"),
    (
        "a.jpg",
        "8",
        (4, 65_501),
        "65501 x 4 is more than the 65500 pixels of this format; write .tif or .zarr",
    ),
]


@pytest.mark.parametrize(("name", "depth", "shape", "message"), REFUSED)
def test_what_a_format_cannot_hold_is_refused(name: str, depth: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(UserError) as caught:
        _sink(Path(name), depth).check(_spec(shape))
    assert str(caught.value) == f"{name}: {message}"


def test_an_array_that_is_no_picture_is_refused() -> None:
    spec = ArraySpec(("tile", "c"), (4, 4), "float16")
    with pytest.raises(UserError, match=r"a\.png: an array of axes tile,c and dtype float16 is no picture; "):
        _sink(Path("a.png")).check(spec)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".zarr"])
@pytest.mark.parametrize("channels", [None, 4])
def test_pieces_are_small_and_cover_the_picture_once(noise, tmp_path: Path, suffix: str, channels) -> None:
    array = noise((5000, 700) if channels is None else (5000, 700, channels), "uint8")
    sink, asked = _sink(tmp_path / f"a{suffix}"), []

    def read(box: Box) -> Array:
        asked.append(box)
        return array[box.slices]

    sink.write(tmp_path / f"a{suffix}", _spec(array.shape, "uint8"), read, About())
    seen = np.zeros(array.shape[:2], dtype=int)
    for box in asked:
        seen[box.slices] += 1
    assert (seen == 1).all()
    assert max(box.shape[0] for box in asked) <= 2048


@pytest.mark.parametrize("suffix", SINKS)
@pytest.mark.parametrize(("channels", "dtype"), [(None, "float32"), (3, "uint8")])
def test_no_more_memory_is_taken_than_is_said(noise, tmp_path: Path, suffix: str, channels, dtype: str) -> None:
    block = noise((256, 256) if channels is None else (256, 256, channels), dtype)
    sink, spec = _sink(tmp_path / f"a{suffix}"), _spec((1600, 2500, *block.shape[2:]), dtype)

    def read(box: Box) -> Array:
        rows, columns = (np.arange(a, b) % 256 for a, b in zip(box.start, box.stop, strict=True))
        return block[rows[:, None], columns]

    _sink(tmp_path / f"b{suffix}").write(tmp_path / f"b{suffix}", _spec(block.shape, dtype), read, About())
    tracemalloc.start()
    sink.write(tmp_path / f"a{suffix}", spec, read, About())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < sink.write_bytes(spec) + (1 << 20)
    if suffix != ".jpg":
        assert sink.write_bytes(_spec((200_000, 200_000, *spec.shape[2:]), dtype)) < 400 << 20


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".zarr"])
def test_a_full_disk_is_an_os_error(noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    array = noise((300, 300), "float32")

    def full(box: Box) -> Array:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as caught:
        _sink(tmp_path / f"a{suffix}").write(tmp_path / f"a{suffix}", _spec(array.shape), full, About())
    assert caught.value.errno == errno.ENOSPC


def test_a_write_to_a_full_device_is_an_os_error(written, noise) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    sink = _sink(Path("a.png"))
    with pytest.raises(OSError, match="No space left"):
        sink.write(full, _spec((300, 300), "uint8"), lambda box: noise(box.shape), About())


@pytest.mark.parametrize("dpi", [101600.0, 2.54e11, 1e-9])
@pytest.mark.parametrize(("sink", "suffix"), [(PngSink, ".png"), (TiffSink, ".tif"), (JpegSink, ".jpg")])
def test_a_resolution_that_a_format_cannot_say_is_left_out(
    tmp_path: Path, sink: type[Any], suffix: str, dpi: float
) -> None:
    path = tmp_path / f"a{suffix}"
    pixels = np.full((8, 9), 77, np.uint8)
    made = sink(sink.Params(path=path, depth="8"))
    made.write(
        path, ArraySpec(("y", "x"), (8, 9), "uint8"), lambda box: pixels[box.slices], About(resolution=(dpi, dpi))
    )
    with Image.open(path) as image:
        said = image.info.get("dpi")
        assert np.asarray(image)[3, 4] == 77
    if dpi == 101600.0 and suffix != ".jpg":
        assert said is not None
        assert said[0] == pytest.approx(dpi, abs=1)
    else:
        assert said is None or said[0] <= 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_no_number_is_not_written_as_nought(dtype: str) -> None:
    with pytest.raises(UserError, match=f"holds NaN, which {dtype} cannot say"):
        converted(np.array([[0.5, np.nan]], np.float32), dtype)
