"""Workers that come, go and differ: who is given what, who is let in, and what is said of the others."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from hdmatt_core.errors import HdmattWarning, UserError
from hdmatt_core.pipeline.resources import Resources
from hdmatt_core.runtime import admission, asking, local, ondask, roster
from hdmatt_core.runtime.admission import Admission, differences
from hdmatt_core.runtime.machine import Machine
from hdmatt_core.runtime.planning import job_of
from hdmatt_core.runtime.prepare import prepare
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.roster import AHEAD, GPU, Roster

Make = Callable[..., Request]
DEVICES = {"gpu": {"cuda": "H100", "cpu": "AVX2"}, "cpu": {"cpu": "AVX512"}}
HERE = {"Python": "3.11", "hdmatt": "0.1.0", "torch": "2.13.0", "hdmatt-nearby": "0.2"}


SILENT = object()
"""The answer of a worker that gives none."""


class FakeClient:
    """A client of a cluster whose workers are a dictionary; ``answers`` are what functions give there."""

    status = "running"

    def __init__(self, workers: Mapping[str, Mapping[str, Any]], answers: Mapping[str, Any] | None = None) -> None:
        self.workers, self.answers = dict(workers), answers or {}
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        return {"workers": self.workers}

    def run(self, function: Any, *args: Any, workers: Sequence[str], on_error: str) -> Any:
        self.asked.append((function.__name__, tuple(workers)))
        return {worker: self.answers[function.__name__][worker] for worker in workers}

    async def _run(self, *args: Any, **options: Any) -> Any:
        answer = self.run(*args, **options)
        await asyncio.sleep(3600 if SILENT in answer.values() else 0)
        return answer

    def sync(self, function: Any) -> Any:
        return asyncio.run(function())


def a_worker(threads: int = 2, gpus: int = 0) -> dict[str, Any]:
    return {"nthreads": threads, "resources": {GPU: gpus} if gpus else {}}


def test_workers_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "REFRESH", -1.0)
    client = FakeClient({"a": a_worker(1), "b": a_worker(4)})
    crew = Roster(client, "tcp://s:1")
    assert {a: m.seats(on_gpu=False) for a, m in crew.members().items()} == {"a": AHEAD, "b": 4 * AHEAD}
    del client.workers["a"]
    client.workers["c"] = a_worker()
    assert set(crew.members()) == {"b", "c"}


def test_a_newcomer_is_asked_in_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "REFRESH", -1.0)
    asked: list[list[str]] = []

    def admit(workers: Sequence[str]) -> list[str]:
        asked.append(list(workers))
        return [worker for worker in workers if worker != "bad"]

    client = FakeClient({"a": a_worker(), "bad": a_worker()})
    crew = Roster(client, "tcp://s:1", admit)
    assert set(crew.members()) == set(crew.members()) == {"a"}
    client.workers["late"] = a_worker()
    assert set(crew.members()) == {"a", "late"}
    assert asked == [["a", "bad"], ["late"]]


def test_no_worker_is_said_instead_of_waiting_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "REFRESH", 0.01)
    monkeypatch.setattr(roster, "PATIENCE", 0.05)
    said = r"^--scheduler tcp://s:1: no worker that fits for 0 s; start some with 'dask worker tcp://s:1'$"
    with pytest.raises(UserError, match=said):
        Roster(FakeClient({}), "tcp://s:1").wait()
    with pytest.raises(UserError, match=r"^--workers: no worker process has been alive for 0 s, .* fewer --workers"):
        Roster(FakeClient({}), None).wait()


def test_gpu_workers_compute_on_their_device_and_the_others_do_the_rest() -> None:
    crew = Roster(FakeClient({"gpu": a_worker(8, gpus=1), "cpu": a_worker(4)}), "tcp://s:1")
    assert set(crew.chosen(on_gpu=True)) == {"gpu"}
    assert set(crew.chosen(on_gpu=False)) == {"cpu"}
    assert crew.chosen(on_gpu=True)["gpu"].seats(on_gpu=True) == AHEAD * roster.SHARE
    alone = Roster(FakeClient({"gpu": a_worker(8, gpus=1)}), "tcp://s:1")
    assert set(alone.chosen(on_gpu=False)) == {"gpu"}


def test_the_network_waits_for_a_worker_that_has_the_device_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "REFRESH", -1.0)
    client = FakeClient({"gpu": a_worker(8, gpus=1), "cpu": a_worker(4), "undeclared": a_worker(2)})
    crew = Roster(client, "tcp://s:1", able=lambda address: address != "cpu")
    assert set(crew.chosen(on_gpu=True)) == {"gpu"}
    del client.workers["gpu"]
    assert set(crew.chosen(on_gpu=True)) == {"undeclared"}
    del client.workers["undeclared"]
    assert set(crew.chosen(on_gpu=True)) == set()
    assert set(crew.chosen(on_gpu=False)) == {"cpu"}
    assert set(crew.chosen(on_gpu=True)) == set()
    monkeypatch.setattr(roster, "PATIENCE", -1.0)
    with pytest.raises(UserError, match="no worker that fits for"):
        crew.chosen(on_gpu=True)


def test_local_workers_have_a_card_each_as_far_as_there_are_cards() -> None:
    resources = Resources(budget=1, processes=3, threads=2)
    options = [local.worker(i, resources, scratch=__file__, cards=2)["options"] for i in range(3)]  # type: ignore[arg-type]
    assert [o["env"]["CUDA_VISIBLE_DEVICES"] for o in options] == ["0", "1", ""]
    assert [o["resources"] for o in options] == [{GPU: 1}, {GPU: 1}, {}]
    assert "env" not in local.worker(0, resources, scratch=__file__, cards=0)["options"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (Machine({}, HERE), []),
        (Machine({}, {**HERE, "other": "9"}), []),
        (Machine({}, {**HERE, "hdmatt-nearby": "0.1"}), ["hdmatt-nearby 0.1 there, 0.2 here"]),
        (
            Machine({}, {k: v for k, v in HERE.items() if k != "hdmatt-nearby"}),
            ["hdmatt-nearby absent there, 0.2 here"],
        ),
        (Machine({}, {**HERE, "torch": "2.9.0"}), ["torch 2.9.0 there, 2.13.0 here"]),
        (TimeoutError("no answer for 90 s"), ["no answer for 90 s"]),
        (
            ModuleNotFoundError("No module named 'hdmatt_core'"),
            ["hdmatt does not start there (ModuleNotFoundError: No module named 'hdmatt_core')"],
        ),
    ],
)
def test_a_worker_with_other_software_is_named(there: Machine | BaseException, said: list[str]) -> None:
    assert list(differences(there, HERE)) == said


def test_who_cannot_do_the_job_is_left_out_with_a_line(
    request_for: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(asking, "ANSWER", 0.05)
    job = _job(request_for(scheduler="tcp://s:1"), tmp_path)
    same = Machine({"cpu": "AVX2"}, admission.software(job))
    old = Machine({"cpu": "AVX2"}, {**same.versions, "hdmatt": "0.0.1"})
    problems = ["cannot read /scan.tif"]
    answers = {
        "here": {"good": same, "old": old, "blind": same, "stuck": SILENT},
        "enter_if_fit": {"good": [], "blind": problems},
        "leave": {"good": None},
    }
    client = FakeClient(dict.fromkeys(answers["here"], a_worker()), answers)
    admitting = Admission(client, job)
    with pytest.warns(HdmattWarning) as caught:
        assert admitting(["good", "old", "blind", "stuck"]) == ["good"]
    assert [str(warning.message) for warning in caught] == [
        f"worker old is left out: hdmatt 0.0.1 there, {same.versions['hdmatt']} here",
        "worker stuck is left out: no answer for 0 s",
        "worker blind is left out: cannot read /scan.tif",
    ]
    admitting.close()
    assert client.asked == [
        *[("here", (worker,)) for worker in answers["here"]],
        ("enter_if_fit", ("good", "blind")),
        ("leave", ("good",)),
    ]


def test_a_worker_without_the_device_reads_and_blends(request_for: Make, tmp_path: Any) -> None:
    job = _job(request_for(scheduler="tcp://s:1"), tmp_path)
    job = dataclasses.replace(job, compute=dataclasses.replace(job.compute, device="cuda", unit="H100"))
    answers = {
        "here": {name: Machine(devices, admission.software(job)) for name, devices in DEVICES.items()},
        "enter_if_fit": {name: [] for name in DEVICES},
    }
    admitting = Admission(FakeClient(dict.fromkeys(DEVICES, a_worker()), answers), job)
    assert admitting(list(DEVICES)) == ["gpu", "cpu"]
    assert [admitting.computes(name) for name in DEVICES] == [True, False]


def _job(request: Request, tmp_path: Any) -> Any:
    from hdmatt_core.storage.store import RunStore

    prepared = prepare(request, [Machine({"cpu": "AVX2"}, {})])
    plan = prepared.outline(None).plan(request.resources())
    return job_of(prepared, RunStore(tmp_path / "a.run"), plan)


@pytest.mark.parametrize(
    ("machine", "limit", "said"),
    [
        ({"cpu": "AVX2"}, 64 << 30, []),
        ({"cpu": "AVX512"}, 64 << 30, ["computes on AVX512, this run on AVX2: the bits would differ"]),
        ({}, 64 << 30, ["declares a GPU, and finds no cpu"]),
        ({"cpu": "AVX2"}, 1 << 20, ["has a memory limit of 1.05 MB and needs"]),
    ],
)
def test_what_a_worker_lacks_is_said_before_its_first_task(
    request_for: Make,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    machine: dict[str, str],
    limit: int,
    said: list[str],
) -> None:
    job = _job(request_for(scheduler="tcp://s:1"), tmp_path)
    job.arrays.mkdir(parents=True)
    monkeypatch.setattr(admission, "devices", lambda: machine)

    class Worker:
        class memory_manager:  # noqa: N801
            memory_limit = limit

        class state:  # noqa: N801
            nthreads = 2
            total_resources: ClassVar = {GPU: 1.0}

    found = admission.enter_if_fit(job, Worker)
    assert [line[: len(wanted)] for line, wanted in zip(found, said, strict=True)] == said
    admission.leave(job.token)


def test_files_that_a_worker_does_not_see_are_named(request_for: Make, tmp_path: Any) -> None:
    from hdmatt_core.runtime.machine import unseen

    gone = tmp_path / "scan.tif"
    assert unseen([gone], tmp_path) == [f"cannot read {gone}"]
    assert unseen([], tmp_path / "store") == [f"cannot write {tmp_path / 'store'}"]


def test_device_and_arithmetic_are_those_of_the_workers(request_for: Make) -> None:
    from hdmatt_core.runtime.compute import compute_of

    graph = prepare(request_for()).graph
    gpu, cpu = Machine({"cuda": "H100", "cpu": "AVX512"}, {}), Machine({"cpu": "AVX2"}, {})
    assert (lambda c: (c.device, c.unit))(compute_of(graph, "auto", "float32", 0, [cpu, gpu])) == ("cuda", "H100")
    assert (lambda c: (c.device, c.unit))(compute_of(graph, "cpu", "float32", 0, [cpu, cpu, gpu])) == ("cpu", "AVX2")
    with pytest.raises(UserError, match="--device cuda: none of the 1 workers has such a device; use --device cpu"):
        compute_of(graph, "cuda", "float32", 0, [cpu])


def test_the_precision_is_the_one_that_is_faster_unless_it_is_said(request_for: Make) -> None:
    from hdmatt_core.runtime.compute import compute_of
    from hdmatt_core.runtime.machine import AMX, BF16

    graph = prepare(request_for()).graph
    made, plain = Machine({"cpu": f"AVX512{AMX}"}, {}), Machine({"cuda": "H100", "cpu": "AVX512"}, {})
    assert compute_of(graph, "cpu", "auto", 0, [made]).dtype == "bfloat16"
    assert compute_of(graph, "cpu", "auto", 0, [Machine({"cpu": f"AVX512{BF16}"}, {})]).dtype == "bfloat16"
    assert (
        compute_of(graph, "auto", "auto", 0, [Machine({"cuda": f"H100{BF16}", "cpu": "AVX2"}, {})]).dtype == "bfloat16"
    )
    assert compute_of(graph, "cpu", "auto", 0, [plain]).dtype == "float32"
    assert compute_of(graph, "auto", "auto", 0, [plain]).dtype == "float32"
    assert compute_of(graph, "cpu", "float32", 0, [made]).dtype == "float32"
    assert compute_of(graph, "cpu", "bfloat16", 0, [plain]).dtype == "bfloat16"
    old = Machine({"cpu": "AVX2"}, {})
    with pytest.warns(HdmattWarning, match="a processor with AVX2 has no instructions for it"):
        assert compute_of(graph, "cpu", "bfloat16", 0, [old]).dtype == "bfloat16"


@pytest.mark.parametrize(
    ("bokeh", "link"), [(object(), "http://s:8787/status"), (None, "http://s:8787/info/main/workers.html")]
)
def test_the_page_that_is_named_is_there_without_bokeh_too(bokeh: object, link: str) -> None:
    class Client:
        dashboard_link = "http://s:8787/status"

        def run_on_scheduler(self, *_: object) -> object:
            return bokeh

    assert ondask.dashboard(Client()) == link
