"""A kept run is taken up after an edit: only what the edit concerns is made again, and the bits are a fresh run's."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from PIL import Image

from hdmatt_core.errors import ResumeError, UserError
from hdmatt_core.runtime.events import BlockDone, Event, OutputWritten, Updated
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.runtime.workspace import Workspace
from hdmatt_core.storage.served import Served
from hdmatt_core.testing import scene

Make = Callable[..., Request]
DECODE = "pick+fuse+decode"
PASSES = ["encode", DECODE, "blend"]


class CrashError(Exception):
    """Stands for whatever stops a program."""


class Edited:
    """One output that is made, edited and updated; each time it is compared with a run that knows of no other."""

    def __init__(self, make: Make, folder: Path) -> None:
        """A strip of 160 x 1200 px, eight blocks of four tiles: an edit at its left concerns the first two."""
        self._make, self.path = make, folder / "alpha.zarr"
        parts = [scene(160, 300, seed=seed) for seed in range(4)]
        self.image, self.trimap = (np.concatenate([part[i] for part in parts], axis=1) for i in (0, 1))

    @property
    def inputs(self) -> dict[str, Any]:
        return {"image": self.image, "trimap": self.trimap}

    def request(self, **options: object) -> Request:
        return self._make(**{"inputs": self.inputs, "outputs": {"alpha": self.path}, "depth": "float", **options})

    def begin(self) -> None:
        run(self.request(keep_run=True))

    def update(self, **options: object) -> dict[str, int]:
        """How many tiles or blocks of each pass were made again."""
        return {event.name: event.made for event in self.told(**options)}

    def told(self, **options: object) -> list[Updated]:
        heard: list[Event] = []
        run(self.request(**{"update": True, **options}), heard.append)
        return [event for event in heard if isinstance(event, Updated)]

    def fresh(self) -> np.ndarray:
        return run(self._make(inputs=self.inputs)).arrays["alpha"]

    def alpha(self) -> np.ndarray:
        return zarr.open_array(self.path, mode="r")[:]

    def array(self, name: str) -> np.ndarray:
        """An array of the run's store."""
        return zarr.open_array(self.path.with_name("alpha.zarr.run") / "arrays.zarr" / name, mode="r")[:]


@pytest.fixture
def new(request_for: Make, tmp_path: Path) -> Edited:
    return Edited(request_for, tmp_path)


@pytest.fixture
def edited(new: Edited) -> Edited:
    """A finished, kept run."""
    new.begin()
    return new


def spot(edited: Edited, value: int = 128) -> None:
    """An edit in a corner."""
    edited.trimap[4:20, 4:30] = value


def test_without_a_run_it_starts_and_keeps_it_to_be_updated(new: Edited) -> None:
    assert [(e.name, e.made) for e in new.told()] == [(e.name, e.of) for e in new.told(overwrite=True)]
    assert new.path.with_name("alpha.zarr.run").exists()


def test_an_edit_in_a_corner_makes_what_it_concerns(edited: Edited) -> None:
    spot(edited)
    encode, decode, blend = edited.told()
    assert [encode.name, decode.name, blend.name] == PASSES
    assert (encode.made, encode.of) == (8, 30)  # the tiles of the two blocks from which the corner is seen
    assert 0 < decode.made < decode.of / 2
    assert (blend.made, blend.of, blend.unit) == (1, 2, "blocks")
    assert np.array_equal(edited.alpha(), edited.fresh())


def test_nothing_changed_and_nothing_is_made(edited: Edited) -> None:
    heard: list[Event] = []
    run(edited.request(update=True), heard.append)
    assert not [event for event in heard if isinstance(event, BlockDone)]
    assert [event for event in heard if isinstance(event, OutputWritten)]


def test_another_file_of_the_same_meaning_makes_nothing(edited: Edited) -> None:
    edited.trimap[edited.trimap == 0] = 3
    assert edited.update() == dict.fromkeys(PASSES, 0)


def test_pixels_of_the_image_count_as_well(edited: Edited) -> None:
    edited.image[50, 1190] ^= 255
    encode, decode, _ = edited.told()
    assert encode.made < encode.of / 2
    assert 0 < decode.made < decode.of
    assert np.array_equal(edited.alpha(), edited.fresh())


def test_the_unknown_region_grows_and_shrinks(edited: Edited) -> None:
    """Queries appear and vanish, in blocks that had others and in blocks that had none; the store holds no old rows."""
    edited.trimap[:, 590:] = 0
    shrunk = edited.update()
    assert shrunk[DECODE] < 20
    assert np.array_equal(edited.alpha(), edited.fresh())
    grid_rows = edited.array("decode.patches").any(axis=(1, 2))
    queries = edited.array("tiles.tiles")[:, 2] == 4
    assert not grid_rows[~queries].any()
    edited.trimap[40:90, 640:1190] = 128
    edited.update()
    assert np.array_equal(edited.alpha(), edited.fresh())


def test_a_tile_whose_context_changed_is_decoded_again(edited: Edited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles far from the edit that had chosen one of its tiles, and no others."""
    before = edited.array("encode.features"), edited.array("decode.patches")
    spot(edited)
    decoded: list[int] = []
    original = Workspace.write_rows

    def watched(self: Workspace, ref: Any, target: Any, *rest: Any) -> None:
        if ref.node == "decode":
            decoded.extend(target.slots)
        original(self, ref, target, *rest)

    monkeypatch.setattr(Workspace, "write_rows", watched)
    edited.update()
    after = edited.array("encode.features"), edited.array("decode.patches")
    rows = [(old != new).reshape(len(old), -1).any(axis=1) for old, new in zip(before, after, strict=True)]
    assert set(np.flatnonzero(rows[1])) <= set(decoded)
    assert len(decoded) == len(set(decoded))


def test_an_edit_taken_back_gives_the_first_matte(edited: Edited) -> None:
    first = edited.alpha()
    before = edited.trimap.copy()
    spot(edited)
    edited.update()
    edited.trimap[:] = before
    assert edited.update()["encode"] == 8
    assert np.array_equal(edited.alpha(), first)


@pytest.mark.parametrize("options", [{"workers": 2}, {"synchronous": True}])
def test_wherever_the_tasks_run(edited: Edited, options: dict[str, object]) -> None:
    spot(edited)
    assert edited.update(**options)["encode"] == 8
    assert np.array_equal(edited.alpha(), edited.fresh())


@pytest.mark.parametrize(
    ("change", "named"),
    [({"settings": ["pick.k=2"]}, "stage 'pick'"), ({"seed": 5}, "seed"), ({"dtype": "bfloat16"}, "arithmetic")],
)
def test_what_else_changed_is_refused_by_name(edited: Edited, change: dict[str, object], named: str) -> None:
    spot(edited)
    with pytest.raises(
        ResumeError, match=f"cannot update, changed since: {named}; start anew with --overwrite --keep-run"
    ):
        edited.update(**change)
    assert edited.update()["encode"] == 8  # the run is as it was


def test_other_weights_are_refused(edited: Edited, tmp_path: Path) -> None:
    import torch

    from hdmatt_core.nn.network import HDMatt
    from hdmatt_core.nn.weights import save

    torch.manual_seed(1)
    save(HDMatt("hdmatt-s"), tmp_path / "other.safetensors", commit="0" * 40, data="none: random")
    with pytest.raises(ResumeError, match="cannot update, changed since: weights; start anew"):
        edited.update(settings=[f"weights={tmp_path / 'other.safetensors'}"])


def test_a_picture_of_another_size_is_refused(edited: Edited) -> None:
    edited.image, edited.trimap = edited.image[:, 1:], edited.trimap[:, 1:]
    with pytest.raises(ResumeError, match="changed since: size of input 'image', size of input 'trimap'; start anew"):
        edited.update()


def test_without_a_path_there_is_no_run_to_take_up(new: Edited) -> None:
    with pytest.raises(UserError, match="give a path for the first one"):
        new.update(outputs={"alpha": None})


def test_a_run_that_was_not_to_be_kept_is_taken_up_in_full(new: Edited) -> None:
    """Nobody knows what its blocks were made from, so all of it is made."""

    def crash(event: Event) -> None:
        if isinstance(event, BlockDone) and event.name == "blend":
            raise CrashError

    with pytest.raises(CrashError):
        run(new.request(), crash)
    new.trimap[:, 590:] = 0
    encode, *_ = new.told()
    assert encode.made == encode.of
    assert np.array_equal(new.alpha(), new.fresh())


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
    [(3, 15), pytest.param(range(1, 80, 4), marks=[pytest.mark.slow, pytest.mark.timeout(1200)])],
    ids=["two moments", "twenty moments"],
)
def test_nothing_made_for_one_trimap_is_taken_for_another(edited: Edited, moments: list[int]) -> None:
    """Killed in the middle of an update, then taken back or gone on with: always the bits of a fresh run."""
    trimaps, mattes = [edited.trimap.copy()], [edited.alpha()]
    spot(edited)
    trimaps.append(edited.trimap.copy())
    mattes.append(edited.fresh())
    made = 0
    for number, moment in enumerate(moments):
        now = made = 1 - made
        edited.trimap[:] = trimaps[now]
        with dying_at(moment) as writes:
            try:
                run(edited.request(update=True, synchronous=True))
            except CrashError:
                assert len(writes) == moment
        if number % 3:  # the edit is taken back before anything goes on
            now = 1 - now
            edited.trimap[:] = trimaps[now]
        run(edited.request(**({"update": True} if number % 2 else {"resume": True}), keep_run=True)) if not (
            number % 3
        ) else run(edited.request(update=True))
        made = now
        assert np.array_equal(edited.alpha(), mattes[now])


@pytest.mark.slow
def test_killed_at_random_moments(weights: Path, new: Edited, tmp_path: Path) -> None:
    """kill -9 in earnest, alternately resumed and updated after yet another edit."""
    settings = [f"weights={weights}", "tiles.patch=96", "tiles.overlap=16", "tiles.side=2"]
    words = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "hdmatt_core", "matte", "photo.png", "trimap.png", "--quiet", *words]
    Image.fromarray(new.image).save(tmp_path / "photo.png")
    random = np.random.default_rng(0)

    def edit() -> None:
        left = random.integers(1100)
        new.trimap[20:60, left : left + 40] = random.choice([0, 128, 255])
        Image.fromarray(new.trimap).save(tmp_path / "trimap.png")

    edit()
    subprocess.run([*command, "-o", "alpha.png", "--update"], cwd=tmp_path, check=True)
    for moment in random.uniform(2, 7, 5):
        edit()
        process = subprocess.Popen([*command, "-o", "alpha.png", "--update"], cwd=tmp_path)
        time.sleep(moment)
        process.kill()
        process.wait()
    subprocess.run([*command, "-o", "alpha.png", "--update"], cwd=tmp_path, check=True)
    subprocess.run([*command, "-o", "fresh.png"], cwd=tmp_path, check=True)
    assert (tmp_path / "alpha.png").read_bytes() == (tmp_path / "fresh.png").read_bytes()
