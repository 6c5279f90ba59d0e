"""OME-Zarr images of other writers, 0.1 to 0.5: levels, axes, where pixels lie, and what is no picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from ome_zarr_models.v04.image import ImageAttrs
from ome_zarr_models.v05 import Image

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import Lattice
from hdmatt_core.stage import Array

TYPES = {"t": "time", "c": "channel"}
BLOSC = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}


def described(axes: str, levels: int, unit: str | None = "micrometer", translated: bool = False) -> dict[str, Any]:
    """A multiscale image of 0.4 and 0.5 with pixels of 0.5 x 0.25 and doubled from level to level."""
    sides = {"y": 0.5, "x": 0.25}

    def axis(letter: str) -> dict[str, str]:
        kind = TYPES.get(letter, "space")
        return {"name": letter, "type": kind, **({"unit": unit} if unit and kind == "space" else {})}

    def dataset(level: int) -> dict[str, Any]:
        scale = [sides.get(letter, 1.0) * 2.0**level if letter in sides else 1.0 for letter in axes]
        moved = [10.0 if letter in sides else 0.0 for letter in axes]
        more = [{"type": "translation", "translation": moved}] if translated else []
        return {"path": f"s{level}", "coordinateTransformations": [{"type": "scale", "scale": scale}, *more]}

    return {"axes": [axis(a) for a in axes], "datasets": [dataset(n) for n in range(levels)], "name": "scan"}


def chunks_of(array: Array) -> tuple[int, ...]:
    return tuple(min(side, 16) if at >= array.ndim - 2 else 1 for at, side in enumerate(array.shape))


def by_hand_04(path: Path, levels: list[Array], image: dict[str, Any]) -> Path:
    """zarr v2 as the specification has it, metadata and chunks written as files; Blosc, and "/" between numbers."""
    from numcodecs import get_codec

    path.mkdir(parents=True)
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    (path / ".zattrs").write_text(json.dumps({"multiscales": [{"version": "0.4", **image}]}))
    for dataset, array in zip(image["datasets"], levels, strict=True):
        chunks, folder = chunks_of(array), path / dataset["path"]
        folder.mkdir()
        kind = {"dtype": array.dtype.newbyteorder(">").str, "order": "C", "fill_value": 0, "filters": None}
        cut = {"shape": array.shape, "chunks": chunks, "compressor": BLOSC, "dimension_separator": "/"}
        (folder / ".zarray").write_text(json.dumps({"zarr_format": 2, **kind, **cut}))
        for at in np.ndindex(*[-(-n // c) for n, c in zip(array.shape, chunks, strict=True)]):
            piece = array[tuple(slice(i * c, (i + 1) * c) for i, c in zip(at, chunks, strict=True))]
            full = np.zeros(chunks, kind["dtype"])
            full[tuple(map(slice, piece.shape))] = piece
            file = folder.joinpath(*map(str, at))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(get_codec(BLOSC).encode(full))
    return path


def by_zarr_05(path: Path, levels: list[Array], image: dict[str, Any]) -> Path:
    attributes = {"ome": {"version": "0.5", "multiscales": [image]}}
    group = zarr.open_group(str(path), mode="w", zarr_format=3, attributes=attributes)
    for dataset, array in zip(image["datasets"], levels, strict=True):
        names = [axis["name"] for axis in image["axes"]]
        shards = tuple(2 * c for c in chunks_of(array))
        made = group.create_array(
            dataset["path"],
            shape=array.shape,
            dtype=array.dtype,
            chunks=chunks_of(array),
            shards=shards,
            dimension_names=names,
        )
        made[...] = array
    return path


WRITERS = {"0.4": by_hand_04, "0.5": by_zarr_05}
VALID: dict[str, Callable[[zarr.Group], Any]] = {
    "0.4": lambda group: ImageAttrs.model_validate(group.attrs.asdict()),
    "0.5": Image.from_zarr,
}


@pytest.mark.parametrize("version", WRITERS)
@pytest.mark.parametrize("axes", ["yx", "cyx", "tczyx", "zyx", "yxc"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_every_level_of_every_order_of_axes(
    opened, pixels, window, noise, tmp_path: Path, version: str, axes: str, dtype: str
) -> None:
    pictures = [noise((45, 61, 3), dtype), noise((23, 31, 3), dtype, seed=1)]
    stored = [_stored(p, axes) for p in pictures]
    path = WRITERS[version](tmp_path / "a.ome.zarr", stored, described(axes, 2))
    if axes != "yxc":  # the specification wants channels before space; some writers do not care
        VALID[version](zarr.open_group(str(path), mode="r"))
    for level, picture in enumerate(pictures):
        want = picture if "c" in axes else picture[..., :1].repeat(3, axis=2)
        source, box = opened(path, level=level), Box((3, 5), (20, 30))
        np.testing.assert_array_equal(pixels(source), want)
        np.testing.assert_array_equal(window(source, box), want[box.slices])


def _stored(picture: Array, axes: str) -> Array:
    """An image of such axes: all channels, or the first where there is no axis for them."""
    sides = {"y": picture.shape[0], "x": picture.shape[1], "c": 3}
    if "c" not in axes:
        picture = picture[..., 0]
    elif axes.index("c") < axes.index("y"):
        picture = np.moveaxis(picture, -1, 0)
    return picture.reshape([sides.get(letter, 1) for letter in axes])


@pytest.mark.parametrize("version", WRITERS)
@pytest.mark.parametrize("translated", [False, True])
def test_where_the_pixels_of_a_level_lie(opened, noise, tmp_path: Path, version: str, translated: bool) -> None:
    image = described("cyx", 2, translated=translated)
    path = WRITERS[version](tmp_path / "a.zarr", [noise((3, 8, 8)), noise((3, 4, 4))], image)
    origin = (10.0, 10.0) if translated else (0.0, 0.0)
    assert opened(path).about().lattice == Lattice((0.5, 0.25), origin, "micrometer")
    assert opened(path).about().resolution == (101600, 50800)
    assert opened(path, level=1).about().lattice == Lattice((1.0, 0.5), origin, "micrometer")
    assert opened(path, level=1).about().resolution == (50800, 25400)


def test_the_images_own_scale_comes_after_a_levels(opened, noise, tmp_path: Path) -> None:
    image = described("yx", 1, unit="millimeter", translated=True)
    image["coordinateTransformations"] = [{"type": "scale", "scale": [2.0, 4.0]}]
    path = by_zarr_05(tmp_path / "a.zarr", [noise((8, 8))], image)
    assert opened(path).about().lattice == Lattice((1.0, 1.0), (20.0, 40.0), "millimeter")
    assert opened(path).about().resolution == (25.4, 25.4)


@pytest.mark.parametrize("unit", [None, "parsec"])
def test_a_unit_that_is_no_small_length_gives_no_resolution(opened, noise, tmp_path: Path, unit: str | None) -> None:
    path = by_zarr_05(tmp_path / "a.zarr", [noise((8, 8))], described("yx", 1, unit=unit))
    assert opened(path).about().resolution is None
    assert opened(path).about().lattice == Lattice((0.5, 0.25), unit=unit or "")


def test_an_image_from_before_axes_had_names(opened, pixels, noise, tmp_path: Path) -> None:
    array = noise((1, 3, 1, 20, 30))
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    group.attrs["multiscales"] = [{"version": "0.1", "datasets": [{"path": "0"}]}]
    group.create_array("0", shape=array.shape, dtype=array.dtype, chunks=(1, 1, 1, 16, 16))[...] = array
    np.testing.assert_array_equal(pixels(opened(tmp_path / "a.zarr")), np.moveaxis(array[0, :, 0], 0, -1))
    assert opened(tmp_path / "a.zarr").about().lattice is None


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "labels": ({"labels": ["cells", "nuclei"]}, "holds label images (cells, nuclei), not a picture; give the image "),
    "label": ({"image-label": {}, "multiscales": []}, "is a label image, which holds the numbers of objects; give a "),
    "plate": ({"plate": {"wells": []}}, "is a plate of many images; give one of them, such as a.zarr/A/1/0"),
    "well": ({"well": {"images": []}}, "is a well of many images; give one of them, such as a.zarr/0"),
    "series": ({"bioformats2raw.layout": 3}, "holds a series of images; give one of them, such as a.zarr/0"),
    "broken": ({"multiscales": [{"datasets": [{}]}]}, "is damaged or cut short"),
}


@pytest.mark.parametrize("version", WRITERS)
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_picture_is_refused(opened, tmp_path: Path, version: str, what: str) -> None:
    described, message = REFUSED[what]
    attributes = described if version == "0.4" else {"ome": {"version": "0.5", **described}}
    zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=int(version == "0.5") + 2, attributes=attributes)
    with pytest.raises(UserError) as caught:
        opened(tmp_path / "a.zarr").infer({})
    assert str(caught.value).startswith(f"{tmp_path / 'a.zarr'}: {message}")


@pytest.mark.parametrize(
    ("axes", "shape", "message"),
    [
        ("tczyx", (2, 3, 5, 8, 8), "is a stack of pictures (2 along t, 5 along z); save the one you want as a store"),
        ("cyx", (7, 8, 8), "has 7 channels; save the one or three that are the picture"),
    ],
)
def test_what_is_more_than_a_picture_is_refused(opened, noise, tmp_path: Path, axes: str, shape, message: str) -> None:
    path = by_zarr_05(tmp_path / "a.zarr", [noise(shape)], described(axes, 1))
    with pytest.raises(UserError) as caught:
        opened(path).infer({})
    assert str(caught.value).startswith(f"{path}: {message}")
