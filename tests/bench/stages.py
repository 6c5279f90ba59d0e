"""Where a patch's time goes: the network's parts, in milliseconds of one thread, on patches of the photograph.

The least of many measurements, for other jobs on the machine only add. Prints a Markdown table.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bare import CONTEXTS, Tile
from photo import MEGAPIXELS, photograph
from PIL import Image

from hdmatt_core.geometry import Grid
from hdmatt_core.nn.evidence import whole_evidence
from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.regions import downsample_regions
from hdmatt_core.nn.skips import pack_skips, unpack_skips
from hdmatt_core.nn.weights import load

PATCH = 320
PAIRS, ROUNDS = 8, 4


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        tiles = queries(Path(folder))
    model, took = load("hdmatt-s").folded(), defaultdict[str, list[float]](list)
    with torch.inference_mode():
        for start in [*range(0, 2 * PAIRS, 2)] * ROUNDS:
            parts(model, tiles[start : start + 2], took)
    print("| part | ms a patch |\n| --- | --- |")
    for name, times in took.items():
        print(f"| {name} | {min(times):.1f} |")


def queries(folder: Path) -> list[Tile]:
    """Image and trimap of patches with unknown pixels, spread over the photograph."""
    image, trimap = (np.asarray(Image.open(path)) for path in photograph(folder, MEGAPIXELS))
    grid = Grid(trimap.shape, PATCH, 32)
    boxes = [box for slot in grid.present(0, grid.slots) if (box := grid.box(slot)).within(grid.shape) == box]
    tiles = [(image[box.slices], trimap[box.slices]) for box in boxes]
    unknown = [tile for tile in tiles if (tile[1] == 128).any()]
    return unknown[:: len(unknown) // (2 * PAIRS)]


def parts(model: Any, tiles: list[Tile], took: dict[str, list[float]]) -> None:
    def timed(name: str, call: Callable[[], Any]) -> Any:
        began = time.process_time()
        made = call()
        took[name].append((time.process_time() - began) * 1e3 / len(tiles))
        return made

    image, trimap = (np.stack(planes) for planes in zip(*tiles, strict=True))
    x, regions = timed("input", lambda: make_input(image, trimap)), torch.from_numpy(downsample_regions(trimap))
    evidence = timed("colour evidence of the patch alone", lambda: whole_evidence(x))
    timed("encoder, of a patch without unknown pixels", lambda: model.encoder.known(x))
    features, skips = timed("encoder", lambda: model.encoder(x, evidence))
    packed = timed("packing skips", lambda: pack_skips(skips))
    unpacked = timed("unpacking skips", lambda: unpack_skips(packed, model.preset, PATCH))
    index = torch.tensor(CONTEXTS)
    fused = timed("attention", lambda: model.context(features, regions, features, regions, index))
    timed("decoder", lambda: model.decoder(fused, unpacked))


if __name__ == "__main__":
    main()
