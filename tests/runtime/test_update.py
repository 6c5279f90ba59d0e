"""A kept run is taken up after an edit: only what the edit concerns is made again, and the bits are a fresh run's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from hdmatt_core.errors import ResumeError, UserError
from hdmatt_core.runtime.events import BlockDone, Event, OutputWritten, Updated
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.testing import Scene

Make = Callable[..., Request]
DECODE = "pick+fuse+decode"


class CrashError(Exception):
    """Stands for whatever stops a program."""


class Edited:
    """One output that is made, edited and updated; each time it is compared with a run that knows of no other."""

    def __init__(self, make: Make, picture: Scene, folder: Path) -> None:
        self._make, self._path = make, folder / "alpha.zarr"
        self.image, self.trimap = picture.image.copy(), picture.trimap.copy()

    def request(self, **options: object) -> Request:
        inputs = {"image": self.image, "trimap": self.trimap}
        return self._make(inputs=inputs, outputs={"alpha": self._path}, depth="float", **{"update": True, **options})

    def update(self, **options: object) -> dict[str, Updated]:
        """What was made again, by pass."""
        heard: list[Event] = []
        run(self.request(**options), heard.append)
        return {event.name: event for event in heard if isinstance(event, Updated)}

    def is_a_fresh_runs(self) -> bool:
        fresh = run(self._make(inputs={"image": self.image, "trimap": self.trimap})).arrays["alpha"]
        return np.array_equal(zarr.open_array(self._path, mode="r")[:], fresh)


@pytest.fixture
def edited(request_for: Make, picture: Scene, tmp_path: Path) -> Edited:
    """A finished, kept run."""
    edited = Edited(request_for, picture, tmp_path)
    edited.update()
    return edited


def made(told: dict[str, Updated]) -> dict[str, int]:
    return {name: event.made for name, event in told.items()}


def test_without_a_run_it_starts_and_keeps_it(request_for: Make, picture: Scene, tmp_path: Path) -> None:
    edited = Edited(request_for, picture, tmp_path)
    told = edited.update()
    assert [(e.name, e.made) for e in told.values()] == [(e.name, e.of) for e in told.values()]
    assert (tmp_path / "alpha.zarr.run").exists()
    assert edited.is_a_fresh_runs()


def test_nothing_changed_and_nothing_is_made(edited: Edited) -> None:
    heard: list[Event] = []
    run(edited.request(), heard.append)
    assert not [event for event in heard if isinstance(event, BlockDone)]
    assert [event for event in heard if isinstance(event, OutputWritten)]


def test_a_run_kept_on_request_is_taken_up(request_for: Make, picture: Scene, tmp_path: Path) -> None:
    edited = Edited(request_for, picture, tmp_path)
    edited.update(update=False, keep_run=True)
    edited.trimap[5, 5] = 128
    told = edited.update()
    assert 0 < told[DECODE].made < told[DECODE].of
    assert edited.is_a_fresh_runs()


def test_a_change_that_no_tile_sees_makes_nothing(edited: Edited) -> None:
    """The values between 0, 128 and 255 mean the same: the input is another, and what is read of it is not."""
    edited.trimap[edited.trimap == 0] = 3
    assert set(made(edited.update()).values()) == {0}
    assert edited.is_a_fresh_runs()
