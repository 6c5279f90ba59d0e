"""Ten gigapixels that are known almost everywhere: what pixels cost where there is nothing to matte.

Copies of a scene lie far apart on a plain ground, which takes no place on disk; the plan counts and reads all of it.

    python tests/bench/sparse.py --size 102400 --folder bench-out
"""

from __future__ import annotations

import argparse
from pathlib import Path

import watched
import zarr
from watched import table

from hdmatt_core.pipeline.sizes import parse_size

SHARD = 1024
GROUND = {"image": 120, "trimap": 0}
PLACES = ((0.03, 0.05), (0.03, 0.7), (0.45, 0.45), (0.8, 0.12), (0.88, 0.88), (0.6, 0.9))
"""Corners of the copies, as shares of the picture's sides."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=int, default=102400)
    arguments.add_argument("--scene", type=int, default=8192)
    arguments.add_argument("--unknown", type=float, default=0.05)
    arguments.add_argument("--memory", default="2GB")
    arguments.add_argument("--folder", type=Path, default=Path("bench-out"))
    options = arguments.parse_args()
    scene = watched.scene(options.folder, options.scene, options.unknown)
    wide = scattered(scene, options.folder / f"sparse-{options.size}.zarr", options.size)
    run = watched.run(watched.request(wide, options.folder / "alpha-sparse.zarr", parse_size(options.memory)))
    watched.record(options.folder, "sparse", {"peak": run.peak, "planned_peak": run.planned, **run.report})
    steps = [(name, f"{seconds:.1f}") for name, seconds in run.report["spent"].items()]
    print(table(("step", "s of processors"), steps))
    print(
        f"{options.size**2 / 1e9:.1f} gigapixels, {run.queries} tiles with unknown pixels: {run.seconds:.0f} s, "
        f"{run.processor:.0f} of processors, {run.peak / 1e9:.2f} GB of {run.planned / 1e9:.2f} planned"
    )


def scattered(scene: Path, path: Path, side: int) -> Path:
    """A square picture of ``side`` px with copies of a scene on it, image and trimap, unless it is there."""
    if path.exists():
        return path
    group = zarr.create_group(path)
    for name, ground in GROUND.items():
        source = zarr.open_array(scene / name, mode="r")
        shape, chunks = (side, side, *source.shape[2:]), source.chunks
        shards = (SHARD, SHARD, *source.shape[2:])
        wide = group.create_array(name, shape=shape, dtype="uint8", chunks=chunks, shards=shards, fill_value=ground)
        for place in PLACES:
            top, left = (int(share * side) // SHARD * SHARD for share in place)
            for row in range(0, source.shape[0], SHARD):
                strip = source[row : row + SHARD]
                wide[top + row : top + row + SHARD, left : left + source.shape[1]] = strip
    return path


if __name__ == "__main__":
    main()
