"""What is in the wheel, and what must not be."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_it_brings_three_packages_and_nothing_else(wheel: Path) -> None:
    top = {name.split("/")[0] for name in names(wheel)}
    assert {name for name in top if not name.endswith(".dist-info")} == {
        "hdmatt_core",
        "hdmatt_images",
        "hdmatt_stages",
    }


def test_every_pipeline_of_the_source_tree_is_in_it(wheel: Path, root: Path) -> None:
    shipped = {name for name in names(wheel) if name.startswith("hdmatt_core/_pipelines/")}
    assert shipped == {f"hdmatt_core/_pipelines/{path.name}" for path in (root / "pipelines").iterdir()}
    assert "hdmatt_core/_pipelines/hdmatt.yaml" in shipped


@pytest.mark.parametrize(
    "wanted",
    [
        "hdmatt_core/py.typed",
        "hdmatt_core/demo/photo.jpg",
        "hdmatt_core/demo/trimap.png",
        "hdmatt_core/demo/CREDITS.md",
    ],
)
def test_it_holds(wheel: Path, wanted: str) -> None:
    assert wanted in names(wheel)


def test_it_holds_trained_weights(wheel: Path) -> None:
    assert any(name.startswith("hdmatt_core/") and name.endswith(".safetensors") for name in names(wheel))


def test_it_holds_the_licence(wheel: Path, root: Path) -> None:
    [licence] = [name for name in names(wheel) if name.endswith(".dist-info/licenses/LICENSE")]
    assert zipfile.ZipFile(wheel).read(licence) == (root / "LICENSE").read_bytes()


def test_the_sdist_builds_the_same_wheel(
    wheel: Path, root: Path, tmp_path: Path, build: Callable[[str, Path, Path], Path]
) -> None:
    (tmp_path / "sdist").mkdir()
    (tmp_path / "wheel").mkdir()
    with tarfile.open(build("sdist", root, tmp_path / "sdist")) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python has it since 3.11.4
        archive.extractall(tmp_path)
    [unpacked] = tmp_path.glob("hdmatt-*")
    assert names(build("wheel", unpacked, tmp_path / "wheel")) == names(wheel)
