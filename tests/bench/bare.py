"""What tiles of a scene cost by themselves: the network on them alone, in memory, with nothing around it.

Seconds, of the clock and of a processor, for one tile with unknown pixels (encoded, its context attended to, decoded,
touched) and for one known tile (encoded), in one thread: alone on the machine, and beside a second process that does
the same.

    python tests/bench/bare.py --size 8192 --folder bench-out
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import watched
import zarr
from watched import table

from hdmatt_core.geometry import Grid, reflected

SAMPLE = 24
"""Tiles with unknown pixels, and as many known ones beside them."""
CONTEXTS = [[1, 0, 1], [0, 1, 0]]
"""Three each, as in the pipelines; which they are changes no time."""
Tile = tuple[np.ndarray, np.ndarray]
Times = dict[str, tuple[float, float]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=int, default=8192)
    arguments.add_argument("--unknown", type=float, default=0.05)
    arguments.add_argument("--folder", type=Path, default=Path("bench-out"))
    arguments.add_argument("--beside", action="store_true", help="only keep a core busy with the same, until ended")
    options = arguments.parse_args()
    queries, known = sample(watched.scene(options.folder, options.size, options.unknown))
    if options.beside:
        while True:
            times(queries, known)
    alone = times(queries, known)
    words = ["--size", str(options.size), "--unknown", str(options.unknown), "--folder", str(options.folder)]
    with subprocess.Popen([sys.executable, __file__, *words, "--beside"]) as other:
        try:
            times(queries, known)  # while the other one starts
            together = times(queries, known)
        finally:
            other.kill()
    watched.record(options.folder, "bare", {"alone": alone, "together": together})
    rows = [(f"{name}, {how}", f"{wall * 1e3:.0f}", f"{busy * 1e3:.0f}")
            for how, measured in (("alone", alone), ("two processes", together))
            for name, (wall, busy) in measured.items()]  # fmt: skip
    print(table(("tile", "ms", "ms of a processor"), rows))


def times(queries: list[Tile], known: list[Tile]) -> Times:
    """Seconds of the clock and of a processor for one tile of each sort."""
    import torch

    from hdmatt_core.nn.weights import load

    torch.set_num_threads(1)
    model = load("hdmatt-s").folded()
    with torch.inference_mode():
        return {
            "unknown": each(lambda two: matte(model, two), queries),
            "known": each(lambda two: encode(model, two), known),
        }


def each(work: Callable[[list[Tile]], None], tiles: list[Tile]) -> tuple[float, float]:
    work(tiles[:2])
    began, used = time.perf_counter(), time.process_time()
    for start in range(0, len(tiles) - 1, 2):
        work(tiles[start : start + 2])
    count = len(tiles) // 2 * 2
    return (time.perf_counter() - began) / count, (time.process_time() - used) / count


def sample(scene: Path) -> tuple[list[Tile], list[Tile]]:
    """Image and trimap of unknown tiles spread over the scene, and of known ones; its trimap is read whole."""
    image, trimap = (zarr.open_array(scene / name, mode="r") for name in ("image", "trimap"))
    grid, whole = Grid(trimap.shape, 320, 32), np.asarray(trimap[...])
    present = grid.present(0, grid.slots)
    unknown = {s for s in present if (whole[grid.box(s).within(grid.shape).slices] == 128).any()}
    sorts = [sorted(unknown), [s for s in present if s not in unknown]]
    spread = [slots[:: max(1, len(slots) // SAMPLE)][:SAMPLE] for slots in sorts]
    queries, known = ([(cut(image, grid, s), cut(trimap, grid, s)) for s in slots] for slots in spread)
    return queries, known


def cut(array: zarr.Array, grid: Grid, slot: int) -> np.ndarray:
    box = grid.box(slot)
    rows, cols = (reflected(a, b, n) for a, b, n in zip(box.start, box.stop, array.shape, strict=False))
    window = np.asarray(array[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1])
    return window[rows - rows.min()][:, cols - cols.min()]


def stacked(tiles: list[Tile]) -> tuple[Any, np.ndarray]:
    from hdmatt_core.nn.inputs import make_input

    image, trimap = (np.stack(planes) for planes in zip(*tiles, strict=True))
    return make_input(image, trimap), trimap


def matte(model: Any, tiles: list[Tile]) -> None:
    """The network's whole way for two tiles, each the other's context, to the matte's last touch."""
    import torch

    from hdmatt_core.nn.finish import finished
    from hdmatt_core.nn.regions import downsample_regions

    x, trimap = stacked(tiles)
    features, skips = model.encoder(x)
    regions = torch.from_numpy(downsample_regions(trimap))
    fused = model.context(features, regions, features, regions, torch.tensor(CONTEXTS))
    finished(x, model.decoder.around(fused, skips))


def encode(model: Any, tiles: list[Tile]) -> None:
    """The network's part for tiles that are contexts alone."""
    model.encoder.known(stacked(tiles)[0])


if __name__ == "__main__":
    main()
