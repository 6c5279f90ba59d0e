"""An update that was stopped, by whatever and whenever, leaves nothing that a later one takes for what it is not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hdmatt_core.runtime.events import BlockDone, Event
from hdmatt_core.runtime.run import run
from hdmatt_core.runtime.workspace import Workspace
from hdmatt_core.storage.served import Served

Edited = Any  # of this folder's conftest


class CrashError(Exception):
    """Stands for whatever stops a program."""


def crash_in(name: str) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        if isinstance(event, BlockDone) and event.name == name:
            raise CrashError

    return listen


def test_a_run_that_was_not_to_be_kept_is_made_in_full(new: Edited) -> None:
    """Nobody knows what its blocks were made from."""
    with pytest.raises(CrashError):
        run(new.request(), crash_in("blend"))
    new.trimap[:, 590:] = 0
    assert all(told.made == told.of for told in new.told() if told.unit == "tiles")
    assert np.array_equal(new.alpha(), new.fresh())


def test_an_interrupted_update_is_resumed_and_stays_kept(edited: Edited) -> None:
    edited.spot()
    with pytest.raises(CrashError):
        run(edited.request(update=True), crash_in("pick+fuse+decode"))
    heard: list[Event] = []
    run(edited.request(resume=True), heard.append)
    assert "encode" not in {event.name for event in heard if isinstance(event, BlockDone)}
    assert np.array_equal(edited.alpha(), edited.fresh())
    assert edited.update() == dict.fromkeys(edited.PASSES, 0)


@contextmanager
def dying_at(moment: int) -> Iterator[list[str]]:
    """The process dies right before or right after its n-th write of rows or digests; lists the writes."""
    writes: list[str] = []

    def dying(original: Callable[..., None], what: str) -> Callable[..., None]:
        def write(*given: Any) -> None:
            for step in ("before", "after"):
                if len(writes) == moment:
                    raise CrashError
                writes.append(f"{step} {what}")
                if step == "before":
                    original(*given)

        return write

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workspace, "write_rows", dying(Workspace.write_rows, "rows"))
        patch.setattr(Served, "write", dying(Served.write, "digests"))
        yield writes


@pytest.mark.parametrize(
    "moments",
    [(2, 7, 20), pytest.param(range(24), marks=[pytest.mark.slow, pytest.mark.timeout(1200)])],
    ids=["some moments", "all moments"],
)
def test_nothing_made_for_one_trimap_is_taken_for_another(edited: Edited, moments: Sequence[int]) -> None:
    """Stopped at any write of an update, then gone on with, or the edit taken back: always a fresh run's bits."""
    trimaps, mattes = [edited.trimap.copy()], [edited.alpha()]
    edited.spot()
    trimaps.append(edited.trimap.copy())
    mattes.append(edited.fresh())
    made = 0
    for number, moment in enumerate(moments):
        edited.trimap[:] = trimaps[1 - made]
        with dying_at(moment), pytest.raises(CrashError):
            run(edited.request(update=True, synchronous=True))
        if number % 2:
            made = 1 - made
            run(edited.request(resume=True, synchronous=True))
        else:
            edited.trimap[:] = trimaps[made]
            run(edited.request(update=True, synchronous=True))
        assert np.array_equal(edited.alpha(), mattes[made])


@pytest.mark.slow
def test_killed_at_random_moments(settings: tuple[str, ...], new: Edited, tmp_path: Path) -> None:
    """kill -9 in earnest, each time after another edit."""
    words = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "hdmatt_core", "matte", "photo.png", "trimap.png", "--quiet", *words]
    Image.fromarray(new.image).save(tmp_path / "photo.png")
    random = np.random.default_rng(0)

    def edit() -> None:
        left = int(random.integers(1100))
        new.trimap[20:60, left : left + 40] = random.choice([0, 128, 255])
        Image.fromarray(new.trimap).save(tmp_path / "trimap.png")

    edit()
    subprocess.run([*command, "-o", "alpha.png", "--update"], cwd=tmp_path, check=True)
    for moment in random.uniform(1, 6, 5):
        edit()
        process = subprocess.Popen([*command, "-o", "alpha.png", "--update"], cwd=tmp_path)
        time.sleep(moment)
        process.kill()
        process.wait()
    subprocess.run([*command, "-o", "alpha.png", "--update"], cwd=tmp_path, check=True)
    subprocess.run([*command, "-o", "fresh.png"], cwd=tmp_path, check=True)
    assert (tmp_path / "alpha.png").read_bytes() == (tmp_path / "fresh.png").read_bytes()
