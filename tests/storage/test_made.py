"""The record of a folder: what its files were made from."""

from __future__ import annotations

from pathlib import Path

from hdmatt_core.storage.made import NAME, Made

FIRST = {"weights": "a", "stage 'pick'": "k 3"}


def test_what_changed_is_named(tmp_path: Path) -> None:
    Made(tmp_path).note(tmp_path / "x.png", FIRST)
    made = Made(tmp_path)
    assert made.changed(tmp_path / "x.png", FIRST) == []
    assert made.changed(tmp_path / "x.png", {"weights": "b", "seed": "0"}) == ["seed", "stage 'pick'", "weights"]


def test_a_file_that_nobody_noted_has_not_changed(tmp_path: Path) -> None:
    assert Made(tmp_path).changed(tmp_path / "x.png", FIRST) == []
    assert not list(tmp_path.iterdir())


def test_the_last_note_counts_whatever_a_crash_left_before_it(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.note(tmp_path / "x.png", FIRST)
    with (tmp_path / NAME).open("ab") as record:
        record.write(b'\n{"x.png": {"weights": "\xc3')
    made.note(tmp_path / "x.png", {"weights": "b"})
    made.note(tmp_path / "y.png", FIRST)
    again = Made(tmp_path)
    assert again.changed(tmp_path / "x.png", {"weights": "b"}) == []
    assert again.changed(tmp_path / "y.png", FIRST) == []
    assert again.changed(tmp_path / "x.png", FIRST) == ["stage 'pick'", "weights"]
