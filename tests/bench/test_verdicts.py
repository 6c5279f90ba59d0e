"""The table of bounds says what is met, what is missed, and what was not measured."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

SIZES = (8192, 32768)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return {name: importlib.import_module(name) for name in ("scale", "tables")}


def run_of(side: int, peak: float, processor: float, queries: int) -> dict[str, object]:
    passes = {"encode": {"span": 10.0, "reading": 1.0, "computing": 18.0, "writing": 1.0}}
    return {
        "side": side, "peak": peak, "planned_peak": 1.5e9, "memory": 2e9, "processor": processor, "queries": queries,
        "candidates": 2 * queries, "decoded": queries, "seconds": processor / 2,
        "spent": {"start Python and hdmatt": 1.0}, "busy": {"threads": 2, "passes": passes},
        "shards": {"all 0": [3, 0]}, "error": {"mean": 0.1, "meet": 1.0, "least line": 0.9, "greatest line": 1.1},
    }  # fmt: skip


def table_of(bench: dict[str, ModuleType], results: dict[str, object]) -> dict[str, list[str]]:
    lines = "\n".join(bench["tables"].lines(results, SIZES)).splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows}


def test_bounds_are_met_or_missed_by_what_was_measured(bench: dict[str, ModuleType]) -> None:
    results = {
        "size-8192": run_of(8192, 1.0e9, 31.0, 100),
        "size-32768": run_of(32768, 1.2e9, 481.0, 1600),
        "bare": {how: {"unknown": [0.2, 0.2], "known": [0.05, 0.05]} for how in ("alone", "together")},
    }
    rows = table_of(bench, results)
    assert rows["resident memory, largest picture to smallest"] == ["at most 1.15", "1.200", "MISSED"]
    assert rows["resident memory / planned, of any size"] == ["at most 1", "0.800", "met"]
    assert rows["exponent of processor time against unknown tiles, less Python's start"][1:] == ["1.000", "met"]
    beside = rows["largest picture / the network on its unknown tiles alone, processor time"]
    assert beside == ["at most 1.5", f"{481 / 320:.3f}", "MISSED"]
    assert rows["largest picture: share of the threads' time that is computing"] == ["at least 0.8", "0.900", "met"]
    assert rows["two workers, times as fast as one"] == ["at least 1.7", "-", "not measured (workers-1)"]


def test_a_part_that_fails_loses_no_other(
    bench: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scale = bench["scale"]
    (tmp_path / "good.py").write_text(
        "import json, pathlib, sys\n"
        "path = pathlib.Path(sys.argv[2]) / 'results' / 'choice.json'\n"
        "path.parent.mkdir(exist_ok=True)\n"
        "path.write_text(json.dumps({'rows': [['1', 'tiles']]}))\n"
    )
    (tmp_path / "bad.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(scale, "HERE", tmp_path)
    monkeypatch.setattr(scale, "parts", lambda *_: [("seams", ["bad.py"]), ("choice", ["good.py"])])
    monkeypatch.setattr(sys, "argv", ["scale.py", "--folder", str(tmp_path / "out")])
    scale.main()
    assert {
        name: part["end"] for name, part in json.loads((tmp_path / "out/results/parts.json").read_text()).items()
    } == {
        "seams": "failed with 3",
        "choice": "done",
    }
    said = capfd.readouterr().out
    assert "| seams | failed with 3 |" in said
    assert "| 1 | tiles |" in said


def test_a_part_that_hangs_is_ended_with_all_that_it_started(
    bench: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child = f"import pathlib, time; time.sleep(3); pathlib.Path({str(tmp_path / 'lived')!r}).touch()"
    (tmp_path / "hangs.py").write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])\n")
    monkeypatch.setattr(bench["scale"], "HERE", tmp_path)
    monkeypatch.setattr(bench["scale"], "LIMIT", 1)
    assert bench["scale"].attempt(["hangs.py"], tmp_path) == "given up after 1 s"
    time.sleep(4)
    assert not (tmp_path / "lived").exists()
