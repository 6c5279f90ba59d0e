"""An interrupted run goes on: no finished block is made again, and the bits are those of an uninterrupted one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from hdmatt_core.errors import ResumeError, UserError
from hdmatt_core.runtime.events import BlockDone, Event
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.testing import Scene

Make = Callable[..., Request]


class CrashError(Exception):
    """Stands for whatever stops a program."""


def crash_after(blocks: int, name: str) -> Callable[[Event], None]:
    left = [blocks]

    def listen(event: Event) -> None:
        if isinstance(event, BlockDone) and event.name == name:
            left[0] -= 1
            if left[0] == 0:
                raise CrashError

    return listen


def blocks_of(path: Path) -> list[tuple[str, int]]:
    events = map(json.loads, (path / "events.jsonl").read_text().splitlines())
    return [(e["name"], e["block"]) for e in events if e["event"] == "BlockDone"]


def test_no_finished_block_is_made_again(request_for: Make, tmp_path: Path) -> None:
    whole = run(request_for(synchronous=True)).arrays["alpha"]
    outputs = {"alpha": tmp_path / "alpha.zarr"}
    with pytest.raises(CrashError):
        run(request_for(outputs=outputs, depth="float"), crash_after(5, "pick+fuse+decode"))
    assert not (tmp_path / "alpha.zarr").exists()
    run(request_for(outputs=outputs, depth="float", resume=True, keep_run=True))
    done = blocks_of(tmp_path / "alpha.zarr.run")
    assert len(done) == len(set(done))
    assert np.array_equal(zarr.open_array(tmp_path / "alpha.zarr")[:], whole)


def test_what_was_kept_is_made_again_and_counted_apart(request_for: Make, tmp_path: Path) -> None:
    outputs = {"alpha": tmp_path / "alpha.png"}
    with pytest.raises(CrashError):
        run(request_for(outputs=outputs), crash_after(1, "pick+fuse+decode"))
    heard: list[Event] = []
    run(request_for(outputs=outputs, resume=True), heard.append)
    done = [event for event in heard if isinstance(event, BlockDone)]
    decoded = [event for event in done if event.name == "pick+fuse+decode"]
    assert "encode" not in {event.name for event in done}
    assert [event.again for event in decoded] == [event.tiles for event in decoded]
    assert sum(event.again for event in done if event not in decoded) == 0


def test_finished_decoding_needs_no_features(request_for: Make, tmp_path: Path) -> None:
    outputs = {"alpha": tmp_path / "alpha.png"}
    with pytest.raises(CrashError):
        run(request_for(outputs=outputs), crash_after(1, "blend"))
    run(request_for(outputs=outputs, resume=True, keep_run=True))
    blocks = blocks_of(tmp_path / "alpha.png.run")
    assert len(blocks) == len(set(blocks))


def test_resume_starts_where_there_is_nothing(request_for: Make, tmp_path: Path) -> None:
    run(request_for(outputs={"alpha": tmp_path / "alpha.png"}, resume=True))
    assert (tmp_path / "alpha.png").exists()
    assert not (tmp_path / "alpha.png.run").exists()


def test_an_unfinished_run_is_not_thrown_away(request_for: Make, tmp_path: Path) -> None:
    outputs = {"alpha": tmp_path / "alpha.png"}
    with pytest.raises(CrashError):
        run(request_for(outputs=outputs), crash_after(1, "encode"))
    with pytest.raises(UserError, match="holds an unfinished run; --resume goes on with it, --overwrite starts anew"):
        run(request_for(outputs=outputs))
    run(request_for(outputs=outputs, overwrite=True))
    with pytest.raises(UserError, match=r"alpha.png exists; give --overwrite, or another output"):
        run(request_for(outputs=outputs))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"settings": ["pick.k=2"]}, "stage 'pick'"),
        ({"seed": 5}, "seed"),
        ({"dtype": "bfloat16"}, "arithmetic"),
    ],
)
def test_what_changed_is_named(request_for: Make, tmp_path: Path, change: dict[str, object], named: str) -> None:
    outputs = {"alpha": tmp_path / "alpha.png"}
    with pytest.raises(CrashError):
        run(request_for(outputs=outputs), crash_after(1, "encode"))
    with pytest.raises(ResumeError, match=f"cannot resume, changed since: {named}; start anew"):
        run(request_for(outputs=outputs, resume=True, **change))


def test_a_changed_input_is_named(request_for: Make, tmp_path: Path, picture: Scene) -> None:
    outputs = {"alpha": tmp_path / "alpha.png"}
    with pytest.raises(CrashError):
        run(request_for(outputs=outputs), crash_after(1, "encode"))
    other = {"image": picture.image[::-1], "trimap": picture.trimap}
    with pytest.raises(ResumeError, match="changed since: input 'image'; start anew"):
        run(request_for(outputs=outputs, resume=True, inputs=other))


@pytest.mark.slow
def test_killed_at_random_moments(weights: Path, picture: Scene, tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(picture.image).save(tmp_path / "photo.png")
    Image.fromarray(picture.trimap).save(tmp_path / "trimap.png")
    settings = [f"weights={weights}", "tiles.patch=96", "tiles.overlap=16", "tiles.side=2"]
    command = [
        *(sys.executable, "-m", "hdmatt_core", "matte", "photo.png", "trimap.png", "--keep-run", "--quiet"),
        *(word for setting in settings for word in ("--set", setting)),
    ]
    subprocess.run([*command, "-o", "whole.png"], cwd=tmp_path, check=True)
    moments = np.random.default_rng(0).uniform(0.5, 8, 6)
    for moment in moments:
        process = subprocess.Popen([*command, "-o", "alpha.png", "--resume"], cwd=tmp_path)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (tmp_path / "alpha.png").exists():
            (tmp_path / "alpha.png").unlink()
    subprocess.run([*command, "-o", "alpha.png", "--resume"], cwd=tmp_path, check=True)
    assert (tmp_path / "alpha.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
    done = blocks_of(tmp_path / "alpha.png.run")
    assert len(done) == len(set(done))
