"""Rows in files: exactly those that were put there, or none; never a fault."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.runtime.kept import Kept
from hdmatt_core.runtime.spill import FOLDER, Spill, discard_spilled
from hdmatt_core.spec import ArraySpec

SPECS = {
    Ref("encode", "skips"): ArraySpec(("tile", "byte"), (64, 37), "uint8"),
    Ref("encode", "more"): ArraySpec(("tile", "y", "x"), (64, 3, 5), "float32"),
}


def made(slots: list[int], seed: int = 0) -> dict[Ref, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        ref: random.integers(1, 200, (len(slots), *spec.shape[1:])).astype(spec.dtype) for ref, spec in SPECS.items()
    }


@settings(max_examples=25)
@given(room=st.integers(0, 4000), blocks=st.lists(st.sets(st.integers(0, 15), min_size=1), min_size=1, max_size=6))
def test_what_is_put_comes_back_from_memory_or_files(
    tmp_path_factory: pytest.TempPathFactory, room: int, blocks: list[set[int]]
) -> None:
    kept = Kept(room, Spill(tmp_path_factory.mktemp("store"), "token", 0))
    given_rows = {number: (sorted(slots), made(sorted(slots), number)) for number, slots in enumerate(blocks)}
    for number, (slots, arrays) in given_rows.items():
        kept.put(number, slots, arrays)
    for number, (slots, arrays) in given_rows.items():
        found = kept.get(number, slots[::-1], SPECS)
        assert found is not None
        for ref, array in arrays.items():
            np.testing.assert_array_equal(found[ref], array[::-1])


@pytest.mark.parametrize("room", [0, 10_000])
def test_rows_that_were_not_given_are_not_taken_for_zeros(tmp_path: Path, room: int) -> None:
    kept = Kept(room, Spill(tmp_path, "token", 0))
    kept.put(3, [1, 2], made([1, 2]))
    assert kept.get(3, [1, 2, 5], SPECS) is None
    assert kept.get(3, [2], SPECS) is not None


def test_a_dropped_block_and_a_closed_store_leave_no_file(tmp_path: Path) -> None:
    kept = Kept(0, Spill(tmp_path, "token", 0))
    kept.put(3, [1, 2], made([1, 2]))
    assert len(list((tmp_path / FOLDER).rglob("3"))) == 1
    kept.drop(3)
    assert kept.get(3, [1, 2], SPECS) is None
    assert not list((tmp_path / FOLDER).rglob("3"))
    kept.put(4, [1], made([1]))
    kept.close()
    assert not list((tmp_path / FOLDER).iterdir())


def test_rows_nobody_can_read_any_more_are_not_kept(tmp_path: Path) -> None:
    kept = Kept(0, Spill(tmp_path, "token", 0))
    for number in (1, 2):
        kept.put(number, [1, 2], made([1, 2]))
    next((tmp_path / FOLDER).rglob("2")).write_bytes(b"short")
    assert kept.get(2, [1, 2], SPECS) is None
    discard_spilled(tmp_path)
    assert kept.get(1, [1, 2], SPECS) is None


def test_a_disk_without_room_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(0, 0, 10_000))
    kept = Kept(0, Spill(tmp_path, "token", 9_990))
    kept.put(1, [1, 2], made([1, 2]))
    assert kept.get(1, [1, 2], SPECS) is None


def test_a_disk_that_fails_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file where the folder should be")
    kept = Kept(0, Spill(tmp_path, "token", 0))
    kept.put(1, [1, 2], made([1, 2]))
    assert kept.get(1, [1, 2], SPECS) is None
