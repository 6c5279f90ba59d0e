"""OME-Zarr 0.5 as written: valid by ome-zarr-models, read by tensorstore, the same bytes every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore
import zarr
from hdmatt_images.depth import DTYPES, converted
from hdmatt_images.pyramid import halved
from hdmatt_images.sinks.ome import OmeZarrSink
from ome_zarr_models.common.omero import Omero
from ome_zarr_models.v05 import Image

from hdmatt_core.geometry import Box
from hdmatt_core.kinds import About, Lattice
from hdmatt_core.registry import Registry
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array


def image_of(path: Path) -> Any:
    """What ome-zarr-models reads, which refuses whatever is not OME-Zarr 0.5."""
    return Image.from_zarr(zarr.open_group(str(path), mode="r"))


def read_elsewhere(path: Path) -> Array:
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path)}}
    return np.asarray(tensorstore.open(spec, open=True).result().read().result())


@pytest.mark.parametrize("depth", DTYPES)
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_others_read_every_level(written, noise, tmp_path: Path, depth: str, channels: int | None) -> None:
    array = noise((700, 1301) if channels is None else (700, 1301, channels), "float32")
    array[:512, :512] = 0
    path = tmp_path / "a.ome.zarr"
    assert isinstance(written(path, array, depth), OmeZarrSink)
    image = image_of(path)
    scales = image.attributes.ome.multiscales[0]
    want = converted(array, DTYPES[depth])
    assert [d.path for d in scales.datasets] == ["0", "1", "2"]
    for dataset in scales.datasets:
        np.testing.assert_array_equal(
            read_elsewhere(path / dataset.path), np.moveaxis(want, -1, 0) if channels else want
        )
        want = halved(want)
    assert [a.name for a in scales.axes] == (["c", "y", "x"] if channels else ["y", "x"])
    assert [c.label for c in Omero.model_validate(image.attributes.ome.omero).channels] == (
        ["red", "green", "blue", "alpha"][:channels] if channels else ["alpha"]
    )


def test_shards_are_files_of_a_thousand_pixels(written, noise, tmp_path: Path) -> None:
    written(tmp_path / "a.ome.zarr", noise((1100, 600, 4)))
    array = zarr.open_array(str(tmp_path / "a.ome.zarr"), path="0", mode="r")
    assert (array.chunks, array.shards) == ((4, 512, 512), (4, 1024, 1024))
    assert array.metadata.dimension_names == ("c", "y", "x")


def transforms(path: Path) -> list[tuple[list[float], list[float]]]:
    datasets = image_of(path).attributes.ome.multiscales[0].datasets
    return [
        tuple(t.scale if t.type == "scale" else t.translation for t in d.coordinateTransformations) for d in datasets
    ]


def units(path: Path) -> list[str | None]:
    return [getattr(axis, "unit", None) for axis in image_of(path).attributes.ome.multiscales[0].axes]


def test_a_resolution_becomes_a_scale_and_levels_stay_in_place(written, noise, tmp_path: Path) -> None:
    path = tmp_path / "a.ome.zarr"
    written(path, noise((600, 600)), about=About(resolution=(25400, 50800)))  # 1 and 0.5 micrometres
    assert units(path) == ["micrometer", "micrometer"]
    # the first pixel of level 1 lies between the first two of level 0
    assert transforms(path) == [([0.5, 1.0], [0.0, 0.0]), ([1.0, 2.0], [0.25, 0.5])]


def test_a_lattice_is_kept_as_it_is(written, noise, tmp_path: Path) -> None:
    path = tmp_path / "a.ome.zarr"
    lattice = Lattice((3.0, 4.0), (10.0, 20.0), "millimeter")
    written(path, noise((600, 3, 4)), about=About(resolution=(1, 1), lattice=lattice))
    assert units(path) == [None, "millimeter", "millimeter"]
    assert transforms(path) == [([1, 3, 4], [0, 10, 20]), ([1, 6, 8], [0, 11.5, 22])]
    written(path, noise((6, 3)), about=About())
    assert (units(path), transforms(path)) == ([None, None], [([1, 1], [0, 0])])


@pytest.mark.parametrize("lattice", [Lattice((3.0, 4.0), (1.0, 2.0), "nanometer"), Lattice((0.1, 0.3)), None])
def test_where_pixels_lie_survives_a_round_trip(opened, written, noise, tmp_path: Path, lattice: Any) -> None:
    written(tmp_path / "a.ome.zarr", noise((600, 5)), about=About(lattice=lattice))
    for level, factor in ((0, 1), (1, 2)):
        about = opened(tmp_path / "a.ome.zarr", "mask", level).about()
        known = lattice or Lattice((1.0, 1.0))
        assert about.lattice.step == pytest.approx([factor * side for side in known.step])
        assert about.lattice.unit == known.unit
        assert (about.resolution is not None) == (known.unit != "")


def test_pixels_are_read_again(opened, pixels, written, noise, tmp_path: Path) -> None:
    array = noise((530, 40, 4), "uint16")
    written(tmp_path / "a.ome.zarr", array, "16")
    np.testing.assert_array_equal(pixels(opened(tmp_path / "a.ome.zarr")), array[..., :3])
    np.testing.assert_array_equal(pixels(opened(tmp_path / "a.ome.zarr", level=1)), halved(array)[..., :3])


def test_the_same_bytes_every_time(written, noise, tmp_path: Path) -> None:
    array = noise((1100, 1100), "float32")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        written(tmp_path / name / "m.ome.zarr", array)
    files = [
        {p.relative_to(r): p.read_bytes() for p in r.rglob("*") if p.is_file()} for r in sorted(tmp_path.iterdir())
    ]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("name", "sink"),
    [("a.ome.zarr", "sink.ome"), ("A.OME.ZARR", "sink.ome"), ("a.zarr", "sink.zarr"), ("ome.zarr", "sink.zarr")],
)
def test_the_longer_suffix_decides(name: str, sink: str) -> None:
    assert Registry.load().sink_for(Path(name)).name == sink


@pytest.mark.parametrize("channels", [None, 4])
def test_pixels_are_asked_for_once_and_shard_by_shard(noise, tmp_path: Path, channels: int | None) -> None:
    array = noise((2100, 1500) if channels is None else (2100, 1500, channels))
    seen = np.zeros(array.shape[:2], int)

    def read(box: Box) -> Array:
        assert max(box.shape) <= 1024
        seen[box.slices] += 1
        return array[box.slices]

    path = tmp_path / "a.ome.zarr"
    spec = ArraySpec(("y", "x", "c")[: array.ndim], array.shape, "uint8")
    OmeZarrSink(OmeZarrSink.Params(path=path)).write(path, spec, read, About())
    assert (seen == 1).all()
