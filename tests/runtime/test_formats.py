"""Files of large images through a whole run: levels, places of pixels, and nothing half-written."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from hdmatt_images.sinks import ome

import hdmatt_core
from hdmatt_core.errors import UserError
from hdmatt_core.testing import Scene, scene

SMALL = ("tiles.patch=96", "tiles.overlap=16", "tiles.side=2")


@pytest.fixture(scope="module")
def picture() -> Scene:
    return scene(180, 240, seed=1)


@pytest.fixture
def scan(picture: Scene, tmp_path: Path) -> Path:
    """An OME-Zarr 0.4 image of two levels, the reduced one of 0.5 x 0.25 micrometres at (3, 4)."""
    datasets = [
        {"path": str(n), "coordinateTransformations": [
            {"type": "scale", "scale": [1, 0.5 * 2 ** (n - 1), 0.25 * 2 ** (n - 1)]},
            {"type": "translation", "translation": [0, 3, 4]},
        ]}
        for n in range(2)
    ]  # fmt: skip
    axes = [{"name": "c", "type": "channel"}] + [
        {"name": a, "type": "space", "unit": "micrometer"} for a in "yx"
    ]  # fmt: skip
    attributes = {"multiscales": [{"version": "0.4", "axes": axes, "datasets": datasets}]}
    group = zarr.open_group(str(tmp_path / "scan.zarr"), mode="w", zarr_format=2, attributes=attributes)
    reduced = np.moveaxis(picture.image, -1, 0)
    for n, array in enumerate((reduced.repeat(2, axis=1).repeat(2, axis=2), reduced)):
        group.create_array(str(n), shape=array.shape, dtype="uint8", chunks=(1, 64, 64))[...] = array
    return tmp_path / "scan.zarr"


def matte(weights: Path, image: Any, trimap: Any, output: Path | None, **how: Any) -> hdmatt_core.Matte:
    settings = (f"weights={weights}", *SMALL)
    return hdmatt_core.matte(image, trimap, output, settings=settings, synchronous=True, **how)


def test_a_level_goes_in_and_pyramids_come_out(weights: Path, picture: Scene, scan: Path, tmp_path: Path) -> None:
    matte(weights, f"{scan}#level=1", picture.trimap, tmp_path / "a.ome.zarr", foreground=tmp_path / "c.ptif")
    want = matte(weights, picture.image, picture.trimap, None, foreground=True)
    assert want.alpha is not None
    group = zarr.open_group(str(tmp_path / "a.ome.zarr"), mode="r")
    np.testing.assert_array_equal(group["0"][...], np.floor(want.alpha * 255 + 0.5))
    image = group.attrs.asdict()["ome"]["multiscales"][0]
    assert image["datasets"][0]["coordinateTransformations"] == [
        {"type": "scale", "scale": [0.5, 0.25]},
        {"type": "translation", "translation": [3.0, 4.0]},
    ]
    assert [axis["unit"] for axis in image["axes"]] == ["micrometer", "micrometer"]
    with tifffile.TiffFile(tmp_path / "c.ptif") as file:
        np.testing.assert_array_equal(file.pages[0].asarray(), want.foreground)
        assert file.pages[0].get_resolution("micrometer") == pytest.approx((4, 2))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.ome.zarr", "c.ptif", "scan.zarr"]


def test_a_pyramid_that_does_not_fit_the_disk_leaves_nothing_and_is_resumed(
    weights: Path, picture: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ome, "CHUNK", 64)  # levels of so small a picture
    create = ome.create

    def full(store: Path, name: str, *rest: Any) -> Any:
        if name == "1":
            raise OSError(errno.ENOSPC, "No space left on device")
        return create(store, name, *rest)

    monkeypatch.setattr(ome, "create", full)
    with pytest.raises(UserError, match=r"a\.ome\.zarr: the disk is full; make space, then resume"):
        matte(weights, picture.image, picture.trimap, tmp_path / "a.ome.zarr")
    assert [p.name for p in tmp_path.iterdir()] == ["a.ome.zarr.run"]
    monkeypatch.setattr(ome, "create", create)
    matte(weights, picture.image, picture.trimap, tmp_path / "a.ome.zarr", resume=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.ome.zarr"]
    matte(weights, picture.image, picture.trimap, tmp_path / "b.ome.zarr")
    files = [
        {p.relative_to(r): p.read_bytes() for p in r.rglob("*") if p.is_file()} for r in sorted(tmp_path.iterdir())
    ]
    differing = {str(name) for name in files[0] if files[0][name] != files[1].get(name)}
    assert files[0].keys() == files[1].keys()
    assert differing == {"zarr.json"}  # which holds the name
