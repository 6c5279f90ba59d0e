"""A cluster that somebody else started: it grows, shrinks, differs and vanishes in the middle of a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster

from hdmatt_core.errors import UserError
from hdmatt_core.runtime import asking, ondask
from hdmatt_core.runtime import cluster as clusters
from hdmatt_core.runtime.cluster import session
from hdmatt_core.runtime.events import BlockDone, Event
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.roster import AHEAD
from hdmatt_core.runtime.run import run
from hdmatt_core.testing import Scene

Make = Callable[..., Request]


def at_block(number: int, act: Callable[[BlockDone], None], name: str = "encode") -> Callable[[Event], None]:
    """Calls ``act`` when so many blocks of the pass are done."""
    seen = [0]

    def listen(event: Event) -> None:
        if isinstance(event, BlockDone) and event.name == name:
            seen[0] += 1
            if seen[0] == number:
                act(event)

    return listen


@pytest.fixture
def small(picture: Scene) -> dict[str, np.ndarray]:
    """A corner of the picture with some of everything."""
    return {"image": picture.image[150:450, 300:700], "trimap": picture.trimap[150:450, 300:700]}


def test_the_scheduler_holds_a_handful_of_tasks_however_many_blocks_there_are(
    request_for: Make, small: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    send = ondask.Flight._send

    def counted(self: ondask.Flight, block: int, address: str, *, gpu: bool) -> None:
        send(self, block, address, gpu=gpu)
        held.append(len(self._futures))

    monkeypatch.setattr(ondask.Flight, "_send", counted)
    result = run(request_for(inputs=small, settings=["tiles.side=1"]))
    assert len(held) > 4 * AHEAD * result.plan.resources.threads
    assert max(held) <= AHEAD * result.plan.resources.threads


def test_a_folder_of_pictures_starts_its_workers_once(
    request_for: Make, small: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    start = clusters.local.threads

    def counted(*arguments: object) -> object:
        started.append(1)
        return start(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(clusters.local, "threads", counted)
    with session():
        first, second = (run(request_for(inputs=small)).arrays["alpha"] for _ in range(2))
    assert np.array_equal(first, second)
    assert len(started) == 1


def test_reading_and_writing_overlap_computing(request_for: Make, small: dict[str, np.ndarray]) -> None:
    """With two threads some block is read or written while another is computed, as its events tell."""
    done: list[BlockDone] = []
    run(request_for(inputs=small), lambda event: done.append(event) if isinstance(event, BlockDone) else None)
    encoded = [event for event in done if event.name == "encode"]
    spans = [(e.began, e.began + e.seconds, e.worker) for e in encoded]
    assert len({worker for *_, worker in spans}) > 1
    assert any(a < d and c < b for a, b, _ in spans for c, d, _ in spans if (a, b) != (c, d))
    assert all(e.computing > 0 and e.reading > 0 and e.writing > 0 for e in encoded)


@pytest.mark.slow
def test_a_killed_worker_loses_only_its_blocks(request_for: Make) -> None:
    whole = run(request_for(synchronous=True)).arrays["alpha"]
    done: list[BlockDone] = []

    def kill(event: BlockDone) -> None:
        psutil.Process(int(event.worker.split("/")[1])).kill()

    killer = at_block(4, kill)

    def listen(event: Event) -> None:
        killer(event)
        if isinstance(event, BlockDone):
            done.append(event)

    alpha = run(request_for(workers=2, memory=6 * 10**9), listen).arrays["alpha"]
    assert np.array_equal(alpha, whole)
    assert set(Counter((event.name, event.block) for event in done).values()) == {1}
    assert len({event.worker for event in done}) > 2, "the worker that was started again took part"


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0") as started:
        yield started


@pytest.mark.slow
def test_a_late_worker_joins(request_for: Make, cluster: LocalCluster) -> None:
    done: list[BlockDone] = []

    def grow(event: BlockDone) -> None:
        cluster.scale(2)
        with Client(cluster) as client:
            client.wait_for_workers(2, timeout=240)

    join = at_block(1, grow)

    def listen(event: Event) -> None:
        join(event)
        if isinstance(event, BlockDone):
            done.append(event)

    settings = ["tiles.side=1"]
    whole = run(request_for(synchronous=True, settings=settings)).arrays["alpha"]
    alpha = run(request_for(scheduler=cluster.scheduler_address, settings=settings), listen).arrays["alpha"]
    assert np.array_equal(alpha, whole)
    assert len({event.worker.split("/")[1] for event in done}) == 2


@pytest.mark.slow
def test_a_scheduler_that_vanishes_is_one_line_and_the_run_goes_on(request_for: Make, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen(
        [*words, "--scheduler-file", str(tmp_path / "s.json")], stderr=subprocess.DEVNULL, cwd=tmp_path
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(tmp_path / "s.json"),
         "--nthreads", "1", "--no-dashboard", "--memory-limit", "0"],
        stderr=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    outputs = {"alpha": tmp_path / "alpha.png"}
    try:
        address = _address(tmp_path / "s.json")
        with pytest.raises(UserError, match=rf"^--scheduler {address}: the scheduler went away in the middle"):
            run(request_for(scheduler=address, outputs=outputs), at_block(3, lambda _: scheduler.kill()))
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()
    done: list[Event] = []
    run(request_for(outputs=outputs, resume=True), done.append)
    encoded = {event.block for event in done if isinstance(event, BlockDone) and event.name == "encode"}
    assert not encoded & {0, 1}


def _address(file: Path) -> str:
    import json
    import time

    for _ in range(600):
        if file.exists() and (text := file.read_text()):
            return str(json.loads(text)["address"])
        time.sleep(0.1)
    raise AssertionError("the scheduler did not start")


@pytest.mark.slow
def test_a_worker_with_another_version_is_left_out_by_name(
    request_for: Make, cluster: LocalCluster, tmp_path: Path
) -> None:
    fake = tmp_path / "site" / "hdmatt-0.0.1.dist-info"
    fake.mkdir(parents=True)
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: hdmatt\nVersion: 0.0.1\n")
    (fake / "entry_points.txt").write_text("[hdmatt]\nstages = hdmatt_stages\nimages = hdmatt_images\n")
    words = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, "--nthreads", "1"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    other = subprocess.Popen([*words, "--no-nanny"], env=environment, stderr=subprocess.DEVNULL, cwd=tmp_path)
    done: list[BlockDone] = []
    try:
        with Client(cluster) as client:
            client.wait_for_workers(2, timeout=120)
        with pytest.warns(match=r"worker tcp://.* is left out: hdmatt 0\.0\.1 there, .* here"):
            run(request_for(scheduler=cluster.scheduler_address), lambda event: done.append(event))  # type: ignore[arg-type]
    finally:
        other.kill()
        other.wait()
    pids = {event.worker.split("/")[1] for event in done if isinstance(event, BlockDone)}
    assert str(other.pid) not in pids


@pytest.mark.slow
def test_a_worker_that_gives_no_answer_is_left_out(
    request_for: Make, small: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler that steals may give it a block all the same, and takes it back after five minutes."""
    with (
        dask.config.set({"distributed.scheduler.work-stealing": False}),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
    ):
        _run_beside_a_stuck_worker(request_for, small, monkeypatch, cluster)


def _run_beside_a_stuck_worker(
    request_for: Make, small: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch, cluster: LocalCluster
) -> None:
    words = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, "--nthreads", "1"]
    stuck = subprocess.Popen([*words, "--no-nanny"], stderr=subprocess.DEVNULL)
    done: list[Event] = []
    try:
        with Client(cluster) as client:
            client.wait_for_workers(2, timeout=120)
            stuck.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(asking, "ANSWER", 15.0)
        with pytest.warns(match=r"worker tcp://.* is left out: no answer for 15 s"):
            run(request_for(scheduler=cluster.scheduler_address, inputs=small), done.append)
    finally:
        stuck.kill()
        stuck.wait()
    assert {event.worker.split("/")[1] for event in done if isinstance(event, BlockDone)} == {
        str(cluster.workers[0].pid)
    }


def test_no_scheduler_is_one_line(request_for: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CONNECT", 0.3)
    with pytest.raises(UserError, match=r"^--scheduler tcp://127\.0\.0\.1:9: no scheduler answers there \("):
        run(request_for(scheduler="tcp://127.0.0.1:9"))


def test_a_scheduler_without_workers_is_waited_for_and_then_one_line(
    request_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hdmatt_core.runtime.roster.PATIENCE", 0.5)
    monkeypatch.setattr("hdmatt_core.runtime.roster.REFRESH", 0.1)
    heard: list[Event] = []
    with LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as empty:
        address = empty.scheduler_address
        with pytest.raises(UserError, match="no worker that fits for 0 s; start some with 'dask worker inproc"):
            run(request_for(scheduler=address), heard.append)
    assert [type(event).__name__ for event in heard] == ["Waiting"]
