"""Wrong moves between two runs, and moves that only look wrong: each ends well or in one line that says what to do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hdmatt_core.errors import ResumeError, UserError
from hdmatt_core.runtime import compute
from hdmatt_core.runtime.events import BlockDone, Event
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.storage.store import RunStore
from hdmatt_core.testing import Scene

Make = Callable[..., Request]


class CrashError(Exception):
    """Stands for whatever stops a program."""


def crash(event: Event) -> None:
    if isinstance(event, BlockDone) and event.name == "pick+fuse+decode":
        raise CrashError


@pytest.fixture
def files(picture: Scene, tmp_path: Path) -> Path:
    """A folder with photo.png and trimap.png."""
    folder = tmp_path / "here"
    folder.mkdir()
    for name, pixels in (("photo", picture.image), ("trimap", picture.trimap)):
        Image.fromarray(pixels[150:450, 300:700]).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def within(request_for: Make) -> Callable[..., Request]:
    """A request for the files of a folder."""

    def make(folder: Path, **options: object) -> Request:
        inputs = {"image": folder / "photo.png", "trimap": folder / "trimap.png"}
        return request_for(inputs=inputs, outputs={"alpha": folder / "alpha.png"}, **options)

    return make


def test_a_run_goes_on_where_it_was_moved_to(within: Make, files: Path, tmp_path: Path) -> None:
    with pytest.raises(CrashError):
        run(within(files), crash)
    there = tmp_path / "another-machine"
    shutil.move(files, there)
    done: list[tuple[str, int]] = []

    def listen(event: Event) -> None:
        if isinstance(event, BlockDone):
            done.append((event.name, event.block))

    run(within(there, resume=True), listen)
    assert "encode" not in {name for name, _ in done}
    moved = (there / "alpha.png").read_bytes()
    (there / "alpha.png").unlink()
    run(within(there))
    assert (there / "alpha.png").read_bytes() == moved


def test_another_machine_that_rounds_otherwise_is_refused(
    within: Make, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute, "devices", lambda: {"cpu": "AVX2"})
    with pytest.raises(CrashError):
        run(within(files), crash)
    monkeypatch.setattr(compute, "devices", lambda: {"cpu": "AVX512"})
    with pytest.raises(ResumeError, match=r"alpha.png.run: cannot resume, changed since: arithmetic; start") as caught:
        run(within(files, resume=True))
    assert "AVX2 cpu float32, is torch" in caught.value.detail[0]


def test_one_pixel_changed_between_two_runs_is_noticed(within: Make, files: Path) -> None:
    with pytest.raises(CrashError):
        run(within(files), crash)
    pixels = np.asarray(Image.open(files / "photo.png")).copy()
    pixels[150, 200] ^= 1
    Image.fromarray(pixels).save(files / "photo.png")
    with pytest.raises(ResumeError, match="cannot resume, changed since: input 'image'; start anew with --overwrite"):
        run(within(files, resume=True))


def test_a_file_that_was_only_touched_or_renamed_is_the_same(within: Make, files: Path, request_for: Make) -> None:
    with pytest.raises(CrashError):
        run(within(files), crash)
    os.utime(files / "photo.png")
    (files / "trimap.png").rename(files / "mask.png")
    inputs = {"image": files / "photo.png", "trimap": files / "mask.png"}
    run(request_for(inputs=inputs, outputs={"alpha": files / "alpha.png"}, resume=True))


def test_a_killed_run_was_locked_and_goes_on(within: Make, files: Path, request_for: Make) -> None:
    """kill -9 in earnest, and who came too early is told who is at work; the harness of ``make torture`` in small."""
    settings = [word for setting in request_for().overrides for word in ("--set", setting)]
    words = ["matte", "photo.png", "trimap.png", "-o", "alpha.png", "-q", "--synchronous", *settings]
    words += ["--dtype", request_for().dtype]
    killed = subprocess.Popen([sys.executable, "-m", "hdmatt_core", *words], cwd=files)
    events = files / "alpha.png.run" / "events.jsonl"
    while not (events.exists() and events.read_text().count("BlockDone") > 2):
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGSTOP)  # it must not be done before somebody else comes
    store = rf"{files / 'alpha.png.run'}: in use by process {killed.pid} on {socket.gethostname()}"
    with pytest.raises(UserError, match=rf"^{store}; wait for it, or give another output$"):
        run(within(files, resume=True))
    killed.kill()
    killed.wait()
    run(within(files, resume=True, keep_run=True))
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    done = [(line["name"], line["block"]) for line in lines if line["event"] == "BlockDone"]
    assert len(done) == len(set(done))
    assert [path for path in files.rglob("*") if "partial" in path.name] == []
    resumed = (files / "alpha.png").read_bytes()
    run(within(files, overwrite=True))
    assert (files / "alpha.png").read_bytes() == resumed


def test_what_a_killed_run_left_half_written_is_cleared_away(within: Make, files: Path) -> None:
    with pytest.raises(CrashError):
        run(within(files), crash)
    store = files / "alpha.png.run"
    chunk = next(path for path in (store / "arrays.zarr" / "encode.features" / "c").rglob("*") if path.is_file())
    half_a_chunk = chunk.with_name(f"{chunk.name}.0123.partial")
    halves = [half_a_chunk, files / ".alpha.partial.png", store / "kept" / "gone" / "3"]
    for half in halves:
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(b"half")
    run(within(files, resume=True, keep_run=True))
    assert [half for half in halves if half.exists()] == []


def test_a_store_that_was_begun_anew_is_not_written_to_by_tasks_of_before(within: Make, files: Path) -> None:
    """Workers of a cluster may still be at a block when their client is killed and another starts anew."""

    def overtaken(event: Event) -> None:
        if isinstance(event, BlockDone) and event.name == "encode":
            store = RunStore(files / "alpha.png.run")
            store.begin({"weights": "other"}, "")

    with pytest.raises(UserError, match="was begun anew by another run"):
        run(within(files), overtaken)
