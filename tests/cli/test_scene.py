"""``hdmatt scene`` from the words that are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
import zarr

from hdmatt_core.cli import main


def test_a_scene_is_written_and_not_overwritten_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["scene", "--size", "300,400", "--seed", "3", "--noise", "0", "-o", str(tmp_path / "s.zarr")]
    assert main(words) == 0
    assert zarr.open_group(tmp_path / "s.zarr", mode="r")["image"].shape == (300, 400, 3)
    assert main(words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0


def test_a_folder_gets_pictures(tmp_path: Path) -> None:
    assert main(["scene", "--size", "256", "--format", "png", "-o", str(tmp_path / "s")]) == 0
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["alpha.png", "image.png", "trimap.png"]


@pytest.mark.parametrize(
    ("option", "value"),
    [("--size", "big"), ("--size", "9"), ("--size", "1,2,3"), ("--unknown", "0.9"), ("--seed", "-1")],
)
def test_a_mistake_is_a_line(option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scene", option, value, "-o", str(tmp_path / "s.zarr")]) == 2
    assert option in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scene", "-o", str(tmp_path / "no" / "s.zarr")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_scene_takes_no_folder_of_somebodys_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "s.zarr" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    assert main(["scene", "--size", "256", "-o", str(notes.parent), "--overwrite"]) == 2
    assert "is a folder that holds other things" in capsys.readouterr().err
    assert notes.read_text() == "mine"
