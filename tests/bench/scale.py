"""Memory, work, workers, seams, context and choice on scenes up to a gigapixel: every part in a process of its own.

What a part measures lies in ``results/`` of the folder as soon as it is known; a part that fails is named in the
table, and the others go on. At the end a table says of every bound whether it is met; ``--report`` prints it again
from what is there.

    python tests/bench/scale.py --folder bench-out
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import curve
import tables

HERE = Path(__file__).parent
SIZES = (8192, 16384, 32768)
WORKERS_ON = 16384
LIMIT = 1500
"""Seconds after which a part is given up."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="sides of the scenes, rising")
    arguments.add_argument(
        "--workers-on", type=int, default=WORKERS_ON, help="side of the scene for one and two workers"
    )
    arguments.add_argument("--folder", type=Path, default=Path("bench-out"))
    arguments.add_argument("--report", action="store_true", help="only print the table of what was measured before")
    arguments.add_argument(
        "--keep", action="store_true", help="keep scenes and outputs that a later part needs no more"
    )
    options = arguments.parse_args()
    if not options.report:
        shutil.rmtree(options.folder / "results", ignore_errors=True)
        measure(options.folder, options.sizes, options.workers_on, keep=options.keep)
    results = read(options.folder)
    report = "\n".join(tables.lines(results, options.sizes))
    print(report)
    (options.folder / "scale.md").write_text(report + "\n")
    runs = [results[f"size-{side}"] for side in options.sizes if f"size-{side}" in results]
    if runs:
        curve.draw(runs, options.folder / "memory.svg")


def parts(sizes: Sequence[int], workers_on: int) -> Iterator[tuple[str, list[str]]]:
    """Every part by name, with its words; short ones first, so that a night cut short has most of them."""
    yield "choice", ["choice.py"]
    yield "bare", ["bare.py", "--size", str(sizes[0])]
    yield "profiled", ["profiled.py", "--size", str(min(4096, sizes[0]))]
    yield "seams", ["seams.py", "--size", "2048", "--unknown", "0.15"]
    for side in sizes:
        yield f"size-{side}", ["size.py", "--size", str(side)]
    yield "workers", ["workers.py", "--size", str(workers_on)]
    yield "context", ["context.py", "--size", str(min(8192, sizes[-1]))]


def measure(folder: Path, sizes: Sequence[int], workers_on: int, *, keep: bool) -> None:
    """Do every part, whatever becomes of the others; how long each took is part of the results."""
    folder.mkdir(parents=True, exist_ok=True)
    took: dict[str, dict[str, object]] = {}
    for name, words in parts(sizes, workers_on):
        print(f"\n== {name}", flush=True)
        began = time.perf_counter()
        took[name] = {"end": attempt(words, folder), "seconds": round(time.perf_counter() - began, 1)}
        (folder / "results").mkdir(exist_ok=True)
        (folder / "results" / "parts.json").write_text(json.dumps(took, indent=1))
        if not keep:
            for output in folder.glob("alpha-*"):
                shutil.rmtree(output)


def attempt(words: Sequence[str], folder: Path) -> str:
    """``done``, or what went wrong."""
    command = [sys.executable, str(HERE / words[0]), *words[1:], "--folder", str(folder)]
    with subprocess.Popen(command, start_new_session=True) as part:
        try:
            code = part.wait(LIMIT)
        except subprocess.TimeoutExpired:
            return f"given up after {LIMIT} s"
        finally:
            if part.poll() is None:
                os.killpg(part.pid, signal.SIGKILL)  # whatever it started would disturb the next
    return "done" if code == 0 else f"failed with {code}"


def read(folder: Path) -> dict[str, dict]:
    """Everything that was measured, by part."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((folder / "results").glob("*.json"))}


if __name__ == "__main__":
    main()
