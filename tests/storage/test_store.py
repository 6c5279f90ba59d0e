"""The run's store: locked, named after what changed, cleaned of partial files; the ledger outlives a crash."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import zarr

from hdmatt_core.errors import ResumeError, UserError
from hdmatt_core.geometry import Grid
from hdmatt_core.spec import ArraySpec
from hdmatt_core.storage import layout
from hdmatt_core.storage.ledger import Ledger
from hdmatt_core.storage.served import Served
from hdmatt_core.storage.store import RunStore, array_of, token_of


def test_a_second_run_is_locked_out_by_name(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from hdmatt_core.storage.store import RunStore\n"
        "with RunStore(Path(sys.argv[1])): print('held', flush=True); sys.stdin.readline()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "a.run")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=rf"in use by process {holder.pid} on"), RunStore(tmp_path / "a.run"):
            pass
    finally:
        holder.communicate("\n")
    with RunStore(tmp_path / "a.run") as store:
        assert not store.begun()


def test_what_changed_is_named(tmp_path: Path) -> None:
    with RunStore(tmp_path / "a.run") as store:
        store.begin({"weights": "abc", "input 'image'": "1"}, "")
        store.verify({"weights": "abc", "input 'image'": "1"})
        with pytest.raises(ResumeError) as caught:
            store.verify({"weights": "abc", "input 'image'": "2"})
    assert "changed since: input 'image'; start anew with --overwrite" in str(caught.value)
    assert "input 'image': was 1, is 2" in caught.value.detail


def test_partial_files_are_cleaned_on_resume(tmp_path: Path) -> None:
    with RunStore(tmp_path / "a.run") as store:
        store.begin({}, "")
        leftover = store.arrays_path / "c.0123.partial"
        leftover.write_bytes(b"half")
        store.verify({})
        assert not leftover.exists()


def test_a_damaged_store_says_so(tmp_path: Path) -> None:
    with RunStore(tmp_path / "a.run") as store:
        (store.path / "run.json").write_text("{")
        with pytest.raises(ResumeError, match="damaged; start anew with --overwrite"):
            store.verify({})


def test_the_ledger_remembers_blocks_whose_chunks_are_empty(tmp_path: Path) -> None:
    with RunStore(tmp_path / "a.run") as store:
        store.begin({}, "")
        Ledger(store.ledgers(), "blend", 5).mark(3)
        again = Ledger(store.ledgers(), "blend", 5)
    assert np.flatnonzero(again.done).tolist() == [3]


def test_zarr_reads_what_the_ledger_wrote_past_it(tmp_path: Path) -> None:
    with RunStore(tmp_path / "a.run") as store:
        store.begin({}, "")
        ledger = store.ledger("pick+fuse+decode", 5)
        for block in (3, 0):
            ledger.mark(block)
        assert np.asarray(store.ledgers()["pick+fuse+decode"]).tolist() == [1, 0, 0, 1, 0]
        assert not list(store.path.rglob("*.partial"))


def test_a_ledger_whose_store_was_taken_away_says_so(tmp_path: Path) -> None:
    with RunStore(tmp_path / "a.run") as store:
        store.begin({}, "")
        ledger = store.ledger("blend", 5)
        store.begin({"weights": "other"}, "")
        with pytest.raises(UserError, match=rf"^{store.path}: was begun anew by another run, or is gone"):
            ledger.mark(3)


def test_other_inputs_make_everything_unfinished_at_once(tmp_path: Path) -> None:
    with RunStore(tmp_path / "a.run") as store:
        store.begin({"weights": "abc", "input 'trimap'": "1"}, "first")
        store.ledger("blend", 5).mark(3)
        before = token_of(store.path)
        store.update({"weights": "abc", "input 'trimap'": "1"}, "second", ["input 'trimap'"])
        assert (store.generation, token_of(store.path)) == (1, before)
        store.update({"weights": "abc", "input 'trimap'": "2"}, "third", ["input 'trimap'"])
        assert store.generation == 2
        assert token_of(store.path) != before
        again = store.ledger("blend", 5)
        assert not again.done.any()
        assert np.flatnonzero(again.left).tolist() == [3]
        again.mark(1)
        assert np.flatnonzero(store.ledger("blend", 5).done).tolist() == [1]


def test_an_update_takes_up_other_inputs_and_nothing_else(tmp_path: Path) -> None:
    with RunStore(tmp_path / "a.run") as store:
        store.begin({"weights": "abc", "input 'trimap'": "1"}, "")
        with pytest.raises(ResumeError, match="cannot update, changed since: weights; start anew") as caught:
            store.update({"weights": "abd", "input 'trimap'": "2"}, "", ["input 'trimap'"])
        assert caught.value.detail == ("weights: was abc, is abd",)
        assert store.generation == 1
        store.verify({"weights": "abc", "input 'trimap'": "1"})


def test_digests_are_those_of_the_block(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "served.zarr")
    for _ in range(2):  # an earlier run's stay
        Served.create(group, "encode", blocks=3, units=4)
        served = Served(array_of(group, "encode"))
    written = np.arange(64, dtype=np.uint8).reshape(4, 16)
    served.write(1, written)
    assert np.array_equal(served.read(1), written)
    assert not served.read(0).any()
    assert not served.read(2).any()
    served.write(1, np.zeros_like(written))
    assert not served.read(1).any()


def test_a_block_of_tiles_is_one_file(tmp_path: Path) -> None:
    grid = Grid((2000, 2000), 320, 32)
    spec = ArraySpec(("tile", "y", "x", "c"), (grid.slots, 20, 20, 128), "float16", 16, grid)
    group = zarr.create_group(tmp_path / "a.zarr")
    array = layout.create(group, "features", spec)
    array[: grid.block] = np.ones((grid.block, 20, 20, 128), np.float16)
    files = [p for p in (tmp_path / "a.zarr" / "features" / "c").rglob("*") if p.is_file()]
    assert len(files) == 1
    assert array.chunks == (1, 20, 20, 128)


def test_a_folder_of_somebodys_is_no_store(tmp_path: Path) -> None:
    notes = tmp_path / "a.run" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("precious")
    with pytest.raises(UserError, match="is there, and is not a run's store"), RunStore(tmp_path / "a.run"):
        pass
    assert notes.read_text() == "precious"


def test_a_store_taken_away_while_it_is_being_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lock, tried = tmp_path / "a.run", fcntl.flock, []

    def slow(handle: IO[str], how: int) -> None:
        tried.append(how)
        if len(tried) == 1:  # another run ends between the opening of the lock and its taking
            shutil.rmtree(path)
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    with RunStore(path) as store:
        assert (store.path / "lock").read_text().startswith("process ")
        with pytest.raises(UserError, match="in use by"), RunStore(path):
            pass
    assert len(tried) == 3


def test_a_ledger_marks_nothing_for_another_run(tmp_path: Path) -> None:
    with RunStore(tmp_path / "a.run") as store:
        store.begin({}, "")
        mine = store.ledger("blend", 4)
        mine.mark(0)
        shutil.rmtree(store.path)
        with RunStore(store.path) as other:
            other.begin({}, "")
            theirs = other.ledger("blend", 4)
            with pytest.raises(UserError, match="begun anew by another run"):
                mine.mark(1)
            theirs.mark(3)
            assert other.ledger("blend", 4).done.tolist() == [False, False, False, True]


@pytest.mark.parametrize("text", ["[]", '{"fingerprint": null, "generation": 1}', '{"generation": 1}'])
def test_a_store_of_another_form_is_damaged(tmp_path: Path, text: str) -> None:
    with RunStore(tmp_path / "a.run") as store:
        (store.path / "run.json").write_text(text)
        with pytest.raises(ResumeError, match="damaged"):
            store.verify({})
