"""Kill a run at random moments, again and again: the client, a worker, or everything at once.

Each time the command that the run's store remembers goes on. At the end no finished block was made twice, nothing
half-made lies about, nobody is left running, and the matte has the bits of a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import zarr

VICTIMS = ("client", "worker", "everything")
HDMATT = [sys.executable, "-m", "hdmatt_core"]
KINDS = ("BlockDone", "BlockKept")
GRACE = 30.0
"""Seconds within which the workers of a killed client must have gone."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--side", type=int, default=8000, help="side of the scene in pixels")
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--memory", default="2.5GB")
    arguments.add_argument("--set", action="append", default=[], dest="settings")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        Torture(Path(folder), options).run()


class Torture:
    """One scene, one undisturbed run, and one that is killed ``kills`` times."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder, self.options = folder, options
        self.random = random.Random(options.seed)
        self.store = folder / "alpha.zarr.run"
        self.killed: Counter[str] = Counter()

    def run(self) -> None:
        side = str(self.options.side)
        subprocess.run(
            [*HDMATT, "scene", "--size", side, "--seed", "7", "-q", "-o", "scene.zarr"], cwd=self.folder, check=True
        )
        began = time.perf_counter()
        subprocess.run([*HDMATT, *self.words("whole.zarr"), "--workers", "2"], cwd=self.folder, check=True)
        print(f"undisturbed: {time.perf_counter() - began:.1f} s, {len(blocks(self.folder / 'whole.zarr.run'))} blocks")
        self.total = len(blocks(self.folder / "whole.zarr.run"))
        began = time.perf_counter()
        self.disturbed()
        print(f"killed {sum(self.killed.values())} times ({dict(self.killed)}): {time.perf_counter() - began:.1f} s")
        self.judge()

    def words(self, output: str) -> list[str]:
        settings = [word for setting in self.options.settings for word in ("--set", setting)]
        limits = ["--memory", self.options.memory, "--pipeline", "gigapixel", "--keep-run", "--quiet"]
        return ["matte", "scene.zarr/image", "scene.zarr/trimap", "-o", output, "--depth", "float", *limits, *settings]

    def disturbed(self) -> None:
        """Kill at moments spread over the run's progress, each with a little chance inside of its block."""
        moments = sorted(self.random.uniform(0.02, 0.98) for _ in range(self.options.kills))
        command = [*HDMATT, *self.words("alpha.zarr"), "--workers", "2"]
        process = psutil.Popen(command, cwd=self.folder)
        for number, moment in enumerate(moments):
            self.until(process, moment)
            if process.poll() is not None:
                break
            if self.kill(process, VICTIMS[number % len(VICTIMS)]):
                process = psutil.Popen(self.printed(), cwd=self.folder)
        if process.wait():
            raise SystemExit(f"the last run failed with {process.returncode}")

    def until(self, process: psutil.Popen, moment: float) -> None:
        while process.poll() is None and len(blocks(self.store)) < moment * self.total:
            time.sleep(0.05)
        time.sleep(self.random.uniform(0, 0.5))

    def kill(self, process: psutil.Popen, victim: str) -> bool:
        """Kill, and tell whether the run has to be started again."""
        workers = workers_of(process)
        if victim == "worker" and workers:
            self.random.choice(workers).send_signal(signal.SIGKILL)
            self.killed[victim] += 1
            return False
        for one in (process, *(workers if victim == "everything" else ())):
            one.send_signal(signal.SIGKILL)
        process.wait()
        self.killed[victim] += 1
        _gone, alive = psutil.wait_procs(workers, timeout=GRACE)
        if alive:
            raise SystemExit(f"{len(alive)} workers outlived their client by {GRACE} s")
        return True

    def printed(self) -> list[str]:
        """The command that goes on, from the run's store."""
        if not (self.store / "run.json").exists():
            return [*HDMATT, *self.words("alpha.zarr"), "--workers", "2"]
        return [*HDMATT, *shlex.split(json.loads((self.store / "run.json").read_text())["command"])[1:]]

    def judge(self) -> None:
        finished = blocks(self.store)
        made = [event for event in finished if event["event"] == "BlockDone"]
        twice = [block for block, times in Counter((e["name"], e["block"]) for e in made).items() if times > 1]
        ends, again = {(e["name"], e["block"]) for e in finished}, sum(e["again"] for e in made)
        partial = [p for p in self.folder.rglob("*") if "partial" in p.name]
        same = np.array_equal(*(zarr.open_array(self.folder / name)[:] for name in ("alpha.zarr", "whole.zarr")))
        print(f"blocks {len(ends)} of {self.total}, made twice {len(twice)}, partial files {len(partial)}")
        print(f"made before their client was killed, and not again though it never heard: {len(ends) - len(made)}")
        print(f"tiles whose in-between rows were made again for lack of who kept them: {again}")
        print(f"bits equal: {same}")
        if twice or partial or not same or len(ends) != self.total:
            raise SystemExit("torture: failed")


def blocks(store: Path) -> list[dict[str, object]]:
    """The blocks that were finished, made or found there, as the store's events tell; no half-written line."""
    path = store / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [event for line in lines if line.endswith("\n") and (event := json.loads(line))["event"] in KINDS]


def workers_of(process: psutil.Popen) -> list[psutil.Process]:
    """The worker processes of a client: not the helper that Python starts beside them."""
    try:
        children = process.children(recursive=True)
        return [p for p in children if "spawn_main" in " ".join(p.cmdline()) and "tracker" not in " ".join(p.cmdline())]
    except psutil.NoSuchProcess:
        return []


if __name__ == "__main__":
    main()
