"""Memory and work against the picture's size: scenes of rising size through the pipeline ``gigapixel``.

Prints, as Markdown: resident memory beside the plan's figure; processor time against the tiles with unknown pixels
and its exponent, beside what the bare network takes for these tiles alone; where the rest goes; what was never decoded.

    python tests/bench/large.py --sizes 4096 8192 16384 --folder bench-out
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import watched
from bare import bare_seconds
from watched import Run, table

from hdmatt_core.pipeline.sizes import format_size, parse_size


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[4096, 8192, 16384])
    arguments.add_argument("--unknown", type=float, default=0.05)
    arguments.add_argument("--memory", default="2GB")
    arguments.add_argument("--workers", type=int, default=0)
    arguments.add_argument("--folder", type=Path, default=Path("bench-out"))
    options = arguments.parse_args()
    runs = []
    for side in options.sizes:
        scene = watched.scene(options.folder, side, options.unknown)
        output = options.folder / f"alpha-{side}.zarr"
        asked = watched.request(scene, output, parse_size(options.memory), workers=options.workers)
        runs.append(watched.run(asked))
        print(f"{side} x {side}: {runs[-1].processor:.0f} s of processors", flush=True)
    alone = bare_seconds(watched.scene(options.folder, options.sizes[0], options.unknown))
    print("\n".join(report(options.sizes, runs, alone, options.folder)))


def report(sizes: Sequence[int], runs: Sequence[Run], alone: float, folder: Path) -> list[str]:
    """The lines that are printed: memory, work, steps and constant shards; figures go to ``folder`` as JSON, too."""
    record = [
        {"side": s, "peak": r.peak, "processor": r.processor, **r.report} for s, r in zip(sizes, runs, strict=True)
    ]
    (folder / "large.json").write_text(json.dumps({"runs": record, "bare": alone}, indent=1))
    lines = ["", "Memory", memory(sizes, runs)]
    lines += [f"largest to smallest: {runs[-1].peak / runs[0].peak:.2f}"]
    lines += ["", "Work", work(sizes, runs, alone), exponents(sizes, runs)]
    lines += ["", "Processor seconds by step", steps(sizes, runs)]
    lines += ["", "Constant shards", *(shards(folder, side) for side in sizes)]
    return lines


def memory(sizes: Sequence[int], runs: Sequence[Run]) -> str:
    rows = [
        (f"{side**2 / 1e6:.0f}", format_size(run.peak), format_size(run.planned), f"{run.peak / run.planned:.2f}")
        for side, run in zip(sizes, runs, strict=True)
    ]
    return table(("megapixels", "resident", "planned", "ratio"), rows)


def work(sizes: Sequence[int], runs: Sequence[Run], alone: float) -> str:
    rows = [
        (
            f"{side**2 / 1e6:.0f}",
            run.queries,
            run.report["candidates"],
            sum(run.report["tiles"].get(name, 0) for name in run.report["tiles"] if "decode" in name),
            f"{run.processor:.1f}",
            f"{alone * run.queries:.1f}",
            f"{run.processor / (alone * run.queries):.2f}",
        )
        for side, run in zip(sizes, runs, strict=True)
    ]
    return table(("megapixels", "unknown", "encoded", "decoded", "processor s", "bare network s", "ratio"), rows)


def exponents(sizes: Sequence[int], runs: Sequence[Run]) -> str:
    if len(runs) < 2:
        return "one size: no exponent"
    tiles, seconds = (np.log([getattr(run, name) for run in runs]) for name in ("queries", "processor"))
    begin = min(run.report["spent"]["start Python and hdmatt"] for run in runs)
    growing = np.log([run.processor - begin for run in runs])
    slopes = [np.polyfit(tiles, y, 1)[0] for y in (seconds, growing)]
    return f"exponent of processor time against unknown tiles: {slopes[0]:.3f}; less Python's start: {slopes[1]:.3f}"


def steps(sizes: Sequence[int], runs: Sequence[Run]) -> str:
    names = list(runs[-1].report["spent"])
    rows = [(name, *(f"{run.report['spent'].get(name, 0):.2f}" for run in runs)) for name in names]
    return table(("step", *(f"{side**2 / 1e6:.0f} MP" for side in sizes)), rows)


def shards(folder: Path, side: int) -> str:
    """How many shards of the output hold one value, and what these take on disk."""
    import zarr

    path = folder / f"alpha-{side}.zarr"
    array = zarr.open_array(path, mode="r")
    rows, cols = array.shards or array.chunks
    counts = {"all 0": 0, "all 1": 0, "others": 0}
    disk = dict.fromkeys(counts, 0)
    for y in range(0, array.shape[0], rows):
        for x in range(0, array.shape[1], cols):
            values = np.asarray(array[y : y + rows, x : x + cols])
            low, high = values.min(), values.max()
            kind = "others" if low != high else "all 1" if low else "all 0"
            file = path / "c" / str(y // rows) / str(x // cols)
            counts[kind] += 1
            disk[kind] += file.stat().st_size if file.exists() else 0
    parts = [f"{counts[kind]} {kind} ({format_size(disk[kind])})" for kind in counts]
    return f"{side} x {side}: {', '.join(parts)}"


if __name__ == "__main__":
    main()
