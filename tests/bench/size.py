"""One scene of a given size through the pipeline ``gigapixel``: memory beside the plan's, work, steps, constant shards.

python tests/bench/size.py --size 8192 --folder bench-out
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import watched
import zarr
from errormap import error_map
from watched import Run, table

from hdmatt_core.geometry import blocks_of
from hdmatt_core.pipeline.sizes import format_size, parse_size


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=int, default=8192)
    arguments.add_argument("--unknown", type=float, default=0.05)
    arguments.add_argument("--memory", default="2GB")
    arguments.add_argument("--suffix", default=".ome.zarr", help="of the output: .ome.zarr or .zarr")
    arguments.add_argument("--folder", type=Path, default=Path("bench-out"))
    options = arguments.parse_args()
    scene = watched.scene(options.folder, options.size, options.unknown)
    output = options.folder / f"alpha-{options.size}{options.suffix}"
    run = watched.run(watched.request(scene, output, parse_size(options.memory)))
    level = output / "0" if options.suffix == ".ome.zarr" else output
    measured = {
        "side": options.size,
        "memory": parse_size(options.memory),
        "peak": run.peak,
        "planned_peak": run.planned,
        "decoded": sum(count for name, count in run.report["tiles"].items() if "decode" in name),
        "shards": dict(constant_shards(level)),
        "error": error_map(level, scene),
        **run.report,
    }
    watched.record(options.folder, f"size-{options.size}", measured)
    print("\n".join(lines(run)))


def lines(run: Run) -> Iterator[str]:
    memory = f"{format_size(run.peak)} resident, {format_size(run.planned)} planned"
    yield f"{run.queries} tiles with unknown pixels, {run.seconds:.0f} s, {run.processor:.0f} s of processors; {memory}"
    yield table(("step", "s of processors"), [(step, f"{spent:.1f}") for step, spent in run.report["spent"].items()])


def constant_shards(path: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """How many shards of the output hold zeros, ones, and other things, and the bytes that these take on disk."""
    array = zarr.open_array(path, mode="r")
    counts, disk = dict.fromkeys(("all 0", "all 1", "others"), 0), dict.fromkeys(("all 0", "all 1", "others"), 0)
    shard = array.shards or array.chunks
    for box in blocks_of(array.shape, shard):
        values = np.asarray(array[box.slices])
        kind = "others" if values.min() != values.max() else "all 1" if values.any() else "all 0"
        file = path / "c" / Path(*(str(start // side) for start, side in zip(box.start, shard, strict=True)))
        counts[kind] += 1
        disk[kind] += file.stat().st_size if file.exists() else 0
    return ((kind, (counts[kind], disk[kind])) for kind in counts)


if __name__ == "__main__":
    main()
