"""What workers cost and bring: one scene with one worker process and with two, beside the network alone on its tiles.

python tests/bench/workers.py --size 16384 --folder bench-out
"""

from __future__ import annotations

import argparse
from pathlib import Path

import watched
from watched import Run, table

from hdmatt_core.pipeline.sizes import parse_size


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=int, default=16384)
    arguments.add_argument("--unknown", type=float, default=0.05)
    arguments.add_argument("--memory", default="3GB")
    arguments.add_argument("--folder", type=Path, default=Path("bench-out"))
    options = arguments.parse_args()
    scene, rows = watched.scene(options.folder, options.size, options.unknown), []
    for count in (1, 2):
        output = options.folder / f"alpha-{count}-workers.zarr"
        run = watched.run(watched.request(scene, output, parse_size(options.memory), workers=count))
        watched.record(
            options.folder, f"workers-{count}", {"peak": run.peak, "planned_peak": run.planned, **run.report}
        )
        shares = (f"{share(run, what):.0%}" for what in ("reading", "computing", "writing"))
        rows.append([f"{count}", f"{run.seconds:.1f}", f"{span(run):.1f}", f"{run.processor:.1f}", *shares])
    print(table(("workers", "s", "s of blocks", "s of processors", "reads", "computes", "writes"), rows))


def span(run: Run) -> float:
    """Seconds from the first block to the last, less the pauses between passes."""
    return sum(work["span"] for work in run.report["busy"]["passes"].values())


def share(run: Run, what: str) -> float:
    """The share of the threads' time, while blocks were done, that went into ``what``."""
    busy = run.report["busy"]
    return sum(work[what] for work in busy["passes"].values()) / (span(run) * busy["threads"])


if __name__ == "__main__":
    main()
