"""What the unknown tiles of a scene cost by themselves: the network on them alone, with nothing around it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from hdmatt_core.geometry import Grid, reflected

SAMPLE = 32
CONTEXTS = [[1, 0, 1], [0, 1, 0]]
"""Three each, as in the pipelines; which they are changes no time."""


def bare_seconds(scene: Path, weights: str = "hdmatt-s") -> float:
    """Processor seconds of the network for one unknown tile: encoded, its context attended to, decoded; in memory."""
    import torch

    from hdmatt_core.nn.weights import load

    torch.set_num_threads(1)
    model, tiles = load(weights).folded(), sample(scene)
    with torch.inference_mode():
        matte(model, tiles[:2])
        began = time.process_time()
        for start in range(0, len(tiles) - 1, 2):
            matte(model, tiles[start : start + 2])
        return (time.process_time() - began) / (len(tiles) // 2 * 2)


Tile = tuple[np.ndarray, np.ndarray]


def sample(scene: Path) -> list[Tile]:
    """Image and trimap of unknown tiles spread over the scene, whose trimap is read whole: take a small one."""
    image, trimap = (zarr.open_array(scene / name, mode="r") for name in ("image", "trimap"))
    grid = Grid(trimap.shape, 320, 32)
    known = np.asarray(trimap[...])
    unknown = [s for s in grid.present(0, grid.slots) if (known[grid.box(s).within(grid.shape).slices] == 128).any()]
    chosen = unknown[:: max(1, len(unknown) // SAMPLE)][:SAMPLE]
    return [tuple(cut(array, grid, slot) for array in (image, trimap)) for slot in chosen]  # type: ignore[misc]


def cut(array: zarr.Array, grid: Grid, slot: int) -> np.ndarray:
    box = grid.box(slot)
    rows, cols = (reflected(a, b, n) for a, b, n in zip(box.start, box.stop, array.shape, strict=False))
    window = np.asarray(array[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1])
    return window[rows - rows.min()][:, cols - cols.min()]


def matte(model: Any, tiles: list[Tile]) -> None:
    """The network's whole way for two tiles, each the other's context."""
    import torch

    from hdmatt_core.nn.inputs import make_input
    from hdmatt_core.nn.regions import downsample_regions

    image, trimap = (np.stack(planes) for planes in zip(*tiles, strict=True))
    features, skips = model.encoder(make_input(image, trimap))
    regions = torch.from_numpy(downsample_regions(trimap))
    fused = model.context(features, regions, features, regions, torch.tensor(CONTEXTS))
    model.decoder(fused, skips)
