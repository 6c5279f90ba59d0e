"""The page about a run: how it ended, what one sees of it, what it cost against the plan, and what was done."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from html import escape
from importlib.metadata import version
from pathlib import Path

from hdmatt_core.pages import chart, html
from hdmatt_core.pages.record import Record
from hdmatt_core.pages.sections import held, seen, worked
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.pipeline.sizes import format_size
from hdmatt_core.plan_lines import describe
from hdmatt_core.progress_lines import time_left
from hdmatt_core.runtime.events import recorded
from hdmatt_core.runtime.job import Compute, Job
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.workspace import workspace
from hdmatt_core.storage.store import RunStore

_STYLE = """
:root { --ink: #0b7a75; --card: #8881 } @media (prefers-color-scheme: dark) { :root { --ink: #4fd1c5 } }
body { max-width: 76rem } h1 { overflow-wrap: anywhere } h2 { margin: 2.2rem 0 .6rem; font-size: 1.25rem }
p { max-width: 60rem; overflow-wrap: anywhere }
.figures { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0 }
.figures div { background: var(--card); border-radius: .4rem; padding: .5rem .9rem; min-width: 8rem }
.figures b { display: block; font-size: 1.35rem; font-weight: 600 }
.facts td { white-space: normal; overflow-wrap: anywhere; text-align: left; vertical-align: top }
.facts td:first-child { white-space: nowrap }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem }
.pictures img, .map img { width: 100%; height: auto }
.beside { display: flex; flex-wrap: wrap; gap: 0 2rem; align-items: start } .map { flex: 1 1 26rem; max-width: 44rem }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem 3rem } .charts > * { flex: 0 1 35rem }
.scroll { overflow-x: auto }
pre { overflow-x: auto; background: var(--card); border-radius: .4rem; padding: .8rem; font-size: 13px }
"""


def write_run_page(path: Path, request: Request, job: Job, store: RunStore, stopped: BaseException | None) -> Path:
    """Write the page about ``request`` as far as it has come; ``stopped`` is what ended it before its end."""
    record = Record(recorded(store.events_path))
    names = [output.name for output in request.outputs.values() if output]
    lines = _lines(request, job, store, record, stopped)
    return html.write(path, f"hdmatt: {', '.join(names) or 'a run'}", _STYLE + chart.STYLE, lines)


def _lines(request: Request, job: Job, store: RunStore, record: Record, stopped: BaseException | None) -> Iterator[str]:
    yield f"<p>{escape(_state(record, stopped))}</p>"
    cards = (f"<div><b>{escape(value)}</b>{escape(name)}</div>" for name, value in _figures(job.plan, record))
    yield f'<div class="figures">{"".join(cards)}</div>'
    yield from seen(workspace(job), store)
    yield from worked(job.plan, record)
    yield from held(job.plan, record, "--memory" if request.memory else "half of what was free")
    told = [*_asked(request, job.plan, store), *_computed(job.compute, record)]
    rows = (f"<tr><td>{escape(name)}</td><td>{escape(said)}</td></tr>" for name, said in told if said)
    yield f'<h2>What was done</h2><table class="facts">{"".join(rows)}</table>'
    yield f"<h2>The plan</h2><pre>{escape(describe(job.plan))}</pre>"


def _state(record: Record, stopped: BaseException | None) -> str:
    spent = time_left(record.seconds)
    again = f", in {record.stretches} stretches" if record.stretches > 1 else ""
    if stopped is None:
        return f"Finished in {spent}{again}."
    why = f"{type(stopped).__name__} {stopped}".strip()
    return f"Stopped after {spent}{again} ({why}). This is what is there so far; --resume goes on."


def _figures(plan: Plan, record: Record) -> Iterator[tuple[str, str]]:
    """The few numbers that are looked for first."""
    for planned in list(plan.inputs.values())[:1]:
        height, width = planned.spec.shape[:2]
        yield "megapixels", f"{height * width / 1e6:.3g}"
    if plan.work:
        yield "tiles with unknown pixels", str(plan.work.queries)
    yield "of work", time_left(record.seconds)
    yield "resident at most", format_size(record.peak)
    yield "promised", format_size(plan.peak)


def _asked(request: Request, plan: Plan, store: RunStore) -> Iterator[tuple[str, str]]:
    yield "command", str(json.loads((store.path / "run.json").read_text()).get("command", ""))
    yield "pipeline", " ".join([str(request.pipeline), *(f"--set {word}" for word in request.overrides)])
    for name, planned in plan.inputs.items():
        height, width = planned.spec.shape[:2]
        given = request.inputs[name]
        what = given if isinstance(given, Path) else "an array"
        yield f"input {name}", f"{what}, {width} x {height}, {planned.spec.dtype}"
    for name, path in request.outputs.items():
        yield f"output {name}", str(path or "an array")


def _computed(compute: Compute, record: Record) -> Iterator[tuple[str, str]]:
    if compute.weights:
        yield "weights", f"{compute.weights.name}, sha256 {compute.sha256}"
        yield "computed on", f"{compute.device} {compute.unit}, {compute.dtype}, seed {compute.seed}"
    if record.crew:
        yield "workers at the beginning", f"{record.crew.workers}, with {record.crew.threads} threads together"
        yield "processes that made blocks", str(record.processes)
    yield "versions", f"hdmatt {version('hdmatt')}, torch {version('torch')}"
    yield "from, until", f"{_clock(record.began)}, {_clock(record.ended)}"


def _clock(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
