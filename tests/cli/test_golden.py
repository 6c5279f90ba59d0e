"""What is said of pipelines that do not hold, letter by letter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hdmatt_core.cli import main

GOLDEN = Path(__file__).parents[1] / "golden"

TIMED = """
import sys, time
from hdmatt_core.cli import main
code = main(["check", sys.argv[1]])
print(code, time.process_time(), sorted({"torch", "zarr", "dask", "distributed"} & {*sys.modules}))
"""


@pytest.mark.parametrize("name", [path.stem for path in sorted(GOLDEN.glob("*.yaml"))])
def test_every_fault_is_said_as_in_the_golden_text(
    name: str, hdmatt: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(GOLDEN)
    outcome = hdmatt("check", f"{name}.yaml")
    assert outcome.err == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert (outcome.code, outcome.out) == (2, "")


def test_every_golden_text_belongs_to_a_pipeline() -> None:
    assert {p.stem for p in GOLDEN.glob("*.txt")} == {p.stem for p in GOLDEN.glob("*.yaml")}


def test_four_mistakes_are_reported_with_their_lines_in_under_a_second_without_torch() -> None:
    """Of the processor's time, the imports' included: nothing here waits, but the machine may be busy otherwise."""
    words = [sys.executable, "-c", TIMED, str(GOLDEN / "miswired.yaml")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = [line.split(":")[1] for line in done.stderr.splitlines() if "miswired.yaml:" in line]
    assert lines == ["13", "57", "61", "64"]
    code, seconds, loaded = done.stdout.split(" ", maxsplit=2)
    assert (code, loaded.strip()) == ("2", "[]")
    assert float(seconds) < 1.0


def test_the_miswired_pipeline_is_the_papers_with_four_lines_changed() -> None:
    paper = (GOLDEN.parents[1] / "pipelines" / "hdmatt.yaml").read_text(encoding="utf-8").splitlines()[1:]
    miswired = (GOLDEN / "miswired.yaml").read_text(encoding="utf-8").splitlines()[1:]
    assert sum(a != b for a, b in zip(paper, miswired, strict=True)) == 4
    assert main(["check", "hdmatt"]) == 0
