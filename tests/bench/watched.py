"""Runs in processes of their own, watched: resident memory of the whole tree, processor time of every step."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from hdmatt_core.scene import Scene
from hdmatt_core.scene.write import write_zarr

EVERY = 0.25  # seconds between two looks at the memory; each costs some milliseconds
ONE_RUN = Path(__file__).with_name("one_run.py")
PRECISION = "float32"
"""That of every machine: with it the figures of several can be told side by side, and the bare network's with them."""


@dataclass(frozen=True)
class Run:
    """What one run took: wall and processor seconds, highest resident bytes of all its processes, and the plan's."""

    seconds: float
    processor: float
    peak: int
    report: Mapping[str, Any]

    @property
    def planned(self) -> int:
        return sum(self.report["planned"].values())

    @property
    def queries(self) -> int:
        return int(self.report["queries"])


def run(request: Mapping[str, Any]) -> Run:
    """Do ``request`` (see :mod:`one_run`) in a new process, and watch it to its end."""
    command = [sys.executable, str(ONE_RUN), json.dumps({key: _plain(value) for key, value in request.items()})]
    peak = 0
    with psutil.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(EVERY)
        if process.returncode:
            raise SystemExit(f"the run failed with {process.returncode}")
        report = json.loads(process.stdout.read().splitlines()[-1])
    # The kernel's own highest mark misses nothing, but knows one process only.
    return Run(report["seconds"], report["processor"], max(peak, report["highest"]), report)


def resident(process: psutil.Process) -> int:
    """Resident bytes of a process and all its descendants."""
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for one in family:
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def scene(folder: Path, side: int, unknown: float, *, seed: int = 11, noise: float = 0.0, threads: int = 2) -> Path:
    """A square scene in ``folder``, drawn unless it is there."""
    path = folder / f"scene-{side}-{seed}-{unknown:g}-{noise:g}.zarr"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_zarr(Scene((side, side), seed, unknown, noise), path, threads)
    return path


def request(scene: Path, output: Path, memory: int, **more: Any) -> dict[str, Any]:
    """The request to matte a scene with the pipeline ``gigapixel``, or another that ``more`` names."""
    return {
        "pipeline": "gigapixel",
        "image": scene / "image",
        "trimap": scene / "trimap",
        "output": output,
        "memory": memory,
        "dtype": PRECISION,
        **more,
    }


def record(folder: Path, name: str, measured: Mapping[str, Any]) -> None:
    """Leave what was measured where the report finds it, under the name of its part."""
    path = folder / "results" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(measured, indent=1, default=str))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows as a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
