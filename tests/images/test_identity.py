"""An input that was changed is noticed, wherever in the file; one that was only copied is not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hdmatt_images import identity
from hdmatt_images.identity import file_identity, folder_identity

METADATA = frozenset({"zarr.json"})


@pytest.fixture(params=["small", "large"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small files and large ones, by moving the line between them."""
    if request.param == "large":
        monkeypatch.setattr(identity, "WHOLE", 100)
        monkeypatch.setattr(identity, "SAMPLE", 64)
    return request.param


def file_at(path: Path) -> Path:
    path.write_bytes(bytes(range(256)) * 400)
    return path


def store_at(path: Path) -> Path:
    for name in ("zarr.json", "c/0/0", "c/0/1", "c/1/0"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(bytes(range(256)) * 4)
    return path


def poke(path: Path, at: int) -> None:
    """Change one byte, and nothing else that a file is known by."""
    with path.open("r+b") as file:
        file.seek(at)
        old = file.read(1)
        file.seek(at)
        file.write(bytes([old[0] ^ 1]))


@pytest.mark.parametrize("at", [0, 51_200, 77_777, 102_399])
def test_a_byte_changed_anywhere_in_a_file_is_noticed(size: str, tmp_path: Path, at: int) -> None:
    path = file_at(tmp_path / "scan.tif")
    before = file_identity(path)
    poke(path, at)
    assert file_identity(path) != before


@pytest.mark.parametrize("name", ["zarr.json", "c/0/0", "c/1/0"])
def test_a_byte_changed_in_any_chunk_of_a_store_is_noticed(size: str, tmp_path: Path, name: str) -> None:
    path = store_at(tmp_path / "scan.zarr")
    before = folder_identity(path, METADATA)
    poke(path / name, 777)
    assert folder_identity(path, METADATA) != before


def test_samples_alone_tell_what_they_cover(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(identity, "WHOLE", 100)
    monkeypatch.setattr(identity, "SAMPLE", 64)
    path = file_at(tmp_path / "scan.tif")
    before, state = file_identity(path), path.stat()
    poke(path, (102_400 - 64) * 100 // 255 + 10)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert file_identity(path) != before


@pytest.mark.parametrize(
    ("make", "known"), [(file_at, file_identity), (store_at, lambda p: folder_identity(p, METADATA))]
)
def test_a_copy_that_keeps_times_is_the_same(
    size: str, tmp_path: Path, make: Callable[[Path], Path], known: Callable[[Path], object]
) -> None:
    path, copy = make(tmp_path / "scan"), tmp_path / "elsewhere"
    (shutil.copytree if path.is_dir() else shutil.copy2)(path, copy)
    assert known(copy) == known(path)


def test_a_small_file_is_known_by_its_content_alone(tmp_path: Path) -> None:
    path = file_at(tmp_path / "photo.png")
    before = file_identity(path)
    os.utime(path)
    assert file_identity(path) == before
