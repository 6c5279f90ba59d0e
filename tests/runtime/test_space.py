"""A disk that fills up in the middle: one line, nothing half-made, and the run goes on once there is room."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import zarr

from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.sizes import format_size
from hdmatt_core.runtime.events import BlockDone, Event, EventLog
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.runtime.space import room
from hdmatt_core.shards.files import Chunk
from hdmatt_core.storage import rows
from hdmatt_core.testing import Scene

Make = Callable[..., Request]


@pytest.fixture
def small(picture: Scene) -> dict[str, np.ndarray]:
    return {"image": picture.image[150:450, 300:700], "trimap": picture.trimap[150:450, 300:700]}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a file system can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def filling(disk: Path, after: int, name: str) -> Callable[[Event], None]:
    """Fills the disk to the last byte when so many blocks of a pass are done."""
    left = [after]

    def listen(event: Event) -> None:
        if isinstance(event, BlockDone) and event.name == name:
            left[0] -= 1
            if left[0] == 0:
                fill(disk / "filler")

    return listen


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if "partial" in path.name]


@pytest.mark.parametrize(("after", "name"), [(2, "encode"), (1, "pick+fuse+decode")])
def test_a_full_disk_is_one_line_and_the_run_goes_on_with_room(
    request_for: Make, small: dict[str, np.ndarray], small_disk: Path, after: int, name: str
) -> None:
    whole = run(request_for(inputs=small, synchronous=True)).arrays["alpha"]
    wanted = {"inputs": small, "outputs": {"alpha": small_disk / "alpha.zarr"}, "depth": "float"}
    store = small_disk / "alpha.zarr.run"
    with pytest.raises(UserError, match=rf"^{store}: the disk is full; make space, then resume$"):
        run(request_for(**wanted), filling(small_disk, after, name))
    assert not (small_disk / "alpha.zarr").exists()
    (small_disk / "filler").unlink()
    done: list[tuple[str, int]] = []

    def listen(event: Event) -> None:
        if isinstance(event, BlockDone):
            done.append((event.name, event.block))

    run(request_for(**wanted, resume=True, keep_run=True), listen)
    assert len([block for passed, block in done if passed == name]) > 0
    assert np.array_equal(zarr.open_array(small_disk / "alpha.zarr")[:], whole)
    assert leftovers(small_disk) == []


def test_a_disk_that_is_full_when_the_output_is_written_loses_no_block(
    request_for: Make, small: dict[str, np.ndarray], small_disk: Path
) -> None:
    """Blocks go to another disk, so that it is the output's that fills up."""
    scratch, alpha = small_disk.parent / "scratch", small_disk / "alpha.zarr"
    scratch.mkdir()
    wanted = {"inputs": small, "outputs": {"alpha": alpha}, "depth": "float", "scratch": scratch}
    fill(small_disk / "filler")
    with pytest.raises(UserError, match=rf"^{alpha}: the disk is full; make space, then resume$"):
        run(request_for(**wanted))
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
    (small_disk / "filler").unlink()
    heard: list[Event] = []
    run(request_for(**wanted, resume=True), heard.append)
    assert not [event for event in heard if isinstance(event, BlockDone)]
    assert np.array_equal(zarr.open_array(alpha)[:], run(request_for(inputs=small)).arrays["alpha"])


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "the disk quota is used up")]
)
def test_a_write_that_finds_no_room_is_one_line(
    request_for: Make,
    small: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    said: str,
) -> None:
    left, write = iter(range(20)), rows.write_file

    def failing(path: Path, chunks: Mapping[int, Chunk], shard: int | None) -> None:
        if next(left, None) is None:
            raise OSError(number, "no room")
        write(path, chunks, shard)

    monkeypatch.setattr(rows, "write_file", failing)
    outputs = {"alpha": tmp_path / "alpha.png"}
    with pytest.raises(UserError, match=rf"^{tmp_path / 'alpha.png.run'}: {said}; make space, then resume$"):
        run(request_for(inputs=small, outputs=outputs, synchronous=True))


def test_other_errors_of_the_machine_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="broken"), room(tmp_path):
        raise OSError(errno.EIO, "broken")


def test_too_little_room_is_said_before_the_first_block(
    request_for: Make, small: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 1_000_000
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))
    said = rf"alpha.png.run: the run's store may take .*, {format_size(free)} are free; make space, or give --scratch"
    with pytest.raises(UserError, match=said):
        run(request_for(inputs=small, outputs={"alpha": tmp_path / "alpha.png"}))
    assert list(tmp_path.iterdir()) == []


def test_a_line_of_events_that_was_cut_short_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    EventLog(path)(BlockDone("encode", 0, 1, 0, 0.0, 0.0, 0.0, 0.0, ""))
    whole = path.read_text()
    path.write_text(whole + '{"time": 1, "ev')
    EventLog(path)
    assert path.read_text() == whole
