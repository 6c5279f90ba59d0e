"""A scene in a zarr group, or as pictures: complete under its name or not there, and the same pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.scene import Picture, Scene
from hdmatt_core.scene.write import tiles_of, write_pictures, write_zarr

SHAPE = (1100, 1300)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(SHAPE, 4, 0.1)


@pytest.fixture(scope="module")
def whole(scene: Scene) -> Picture:
    return scene.render(Box((0, 0), SHAPE))


@pytest.mark.parametrize("threads", [1, 3])
def test_a_group_holds_the_three_arrays(scene: Scene, whole: Picture, tmp_path: Path, threads: int) -> None:
    written: list[int] = []
    write_zarr(scene, tmp_path / "s.zarr", threads, written.append)
    group = zarr.open_group(tmp_path / "s.zarr", mode="r")
    for name, plane in whole._asdict().items():
        np.testing.assert_array_equal(group[name][...], plane)
    assert group.attrs["scene"]["seed"] == 4
    assert sum(written) == SHAPE[0] * SHAPE[1]
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]


def test_an_interrupted_group_is_not_there(scene: Scene, tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_zarr(scene, tmp_path / "s.zarr", 2, stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pictures_have_the_same_pixels(scene: Scene, whole: Picture, tmp_path: Path, suffix: str) -> None:
    write_pictures(scene, tmp_path / "scene", suffix)
    for name, plane in whole._asdict().items():
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "scene" / f"{name}{suffix}")), plane)


def test_an_unknown_format_is_refused(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="suffix"):
        write_pictures(scene, tmp_path, ".gif")


def test_tiles_cover_the_picture_once_and_neighbours_follow() -> None:
    shape = (9000, 5000)
    tiles = list(tiles_of(shape))
    assert sorted(tiles) == sorted(blocks_of(shape, (1024, 1024)))
    assert all(tile.stop[0] <= 4096 and tile.stop[1] <= 4096 for tile in tiles[:16])
