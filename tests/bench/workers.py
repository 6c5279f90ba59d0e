"""What workers cost and bring: the bare network, and the pipeline with one worker and with two, in one run.

Prints wall and processor seconds beside each other, since a machine that others use gives the first no meaning; and
from the events of each run: how much of the workers' time went into reading, computing and writing, and tiles encoded
again for lack of who kept their rows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from photo import bare_network, children_time, photograph


@dataclass(frozen=True)
class Took:
    """A run: wall and processor seconds from the command to the file, and what its events tell."""

    wall: float
    processor: float
    blocks: list[dict[str, float]]
    threads: int

    @property
    def span(self) -> float:
        """Seconds from the first block's beginning to the last one's end, less the pauses between passes."""
        passes = {str(block["name"]) for block in self.blocks}
        return sum(_span([block for block in self.blocks if block["name"] == name]) for name in passes)

    def share(self, what: str) -> float:
        """The share of the workers' time, while blocks were done, that went into ``what``."""
        return sum(block[what] for block in self.blocks) / (self.span * self.threads)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megapixels", type=float, default=24)
    arguments.add_argument("--memory", default="4GB")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image, trimap = photograph(Path(folder), options.megapixels)
        psutil.cpu_count = lambda *_, **__: 1  # the bare network in one thread, as a worker has one
        bare = bare_network(image, trimap)
        runs = {count: command(image, trimap, Path(folder), count, options.memory) for count in (0, 1, 2)}
    report(bare, runs)


def command(image: Path, trimap: Path, folder: Path, workers: int, memory: str) -> Took:
    """``hdmatt matte`` with so many workers; none means threads of its own process."""
    output = folder / f"alpha-{workers}.png"
    limits = ["--workers", str(workers), "--memory", memory, "--keep-run", "--quiet"]
    began, used = time.perf_counter(), children_time()
    words = [sys.executable, "-m", "hdmatt_core", "matte", str(image), str(trimap), "-o", str(output), *limits]
    subprocess.run(words, check=True)
    wall, processor = time.perf_counter() - began, children_time() - used
    events = map(json.loads, (folder / f"{output.name}.run" / "events.jsonl").read_text().splitlines())
    blocks = [event for event in events if event["event"] == "BlockDone"]
    return Took(wall, processor, blocks, len({block["worker"] for block in blocks}))


def report(bare: tuple[float, float], runs: dict[int, Took]) -> None:
    columns = f"{'wall s':>8} {'processor s':>12} {'x bare':>7} {'reads':>6} {'computes':>9} {'writes':>7} {'again':>6}"
    print(f"{'':<32} {columns}")
    print(f"{'bare network, one thread':<32} {bare[0]:8.1f} {bare[1]:12.1f} {1:7.2f}")
    for workers, took in runs.items():
        name = f"{workers} worker{'s' * (workers > 1)}" if workers else f"{took.threads} threads of one process"
        shares = " ".join(f"{took.share(what):{width}.0%}" for what, width in _COLUMNS)
        again = sum(int(block["again"]) for block in took.blocks)
        print(f"{name:<32} {took.wall:8.1f} {took.processor:12.1f} {took.processor / bare[1]:7.2f} {shares} {again:6}")
    print(f"blocks in flight, 1 worker to 2: {runs[1].span / runs[2].span:.2f} times as fast")


_COLUMNS = (("reading", 6), ("computing", 9), ("writing", 7))


def _span(blocks: list[dict[str, float]]) -> float:
    ends = [block["began"] + block["reading"] + block["computing"] + block["writing"] for block in blocks]
    return max(ends) - min(block["began"] for block in blocks)


if __name__ == "__main__":
    main()
