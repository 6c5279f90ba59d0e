"""Context: what whole-image context gives to patches that are wholly unknown and far from everything known.

Thickets of a scene are of a stuff, and before a ground, that are known elsewhere in the picture only. They are matted
with context from the whole image, from a bounded pool, from their own neighbourhood alone (a crop), and from nowhere;
printed are the errors over pixels further than a patch from any known one, and over everything unknown.

    python tests/bench/context.py --size 8192 --folder bench-out
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import watched
import zarr
from scipy.ndimage import minimum_filter
from watched import table

from hdmatt_core import matte
from hdmatt_core.geometry import Box
from hdmatt_core.pipeline.sizes import parse_size
from hdmatt_core.scene import Scene
from hdmatt_core.scene.thing import Kind

FAR = 320
"""Further than so many px from any known pixel is far: whole patches of nothing known lie between."""
AROUND = 2 * 320
WAYS = {
    "whole image (hdmatt)": "hdmatt",
    "bounded pool (gigapixel)": "gigapixel",
    "random patches": "ablation-random-context",
    "none": "ablation-no-context",
}
NEIGHBOURHOOD = "own neighbourhood (crop)"

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=int, default=8192)
    arguments.add_argument("--unknown", type=float, default=0.05)
    arguments.add_argument("--seed", type=int, default=11)
    arguments.add_argument("--memory", default="3GB")
    arguments.add_argument("--folder", type=Path, default=Path("bench-out"))
    options = arguments.parse_args()
    path = watched.scene(options.folder, options.size, options.unknown, seed=options.seed)
    image, trimap, truth = (np.asarray(zarr.open_array(path / name, mode="r")) for name in ("image", "trimap", "alpha"))
    boxes = neighbourhoods(Scene((options.size, options.size), options.seed, options.unknown))
    far = far_from_known(trimap)
    if not far.any():
        raise SystemExit(f"nothing in this scene is further than {FAR} px from all that is known; take a larger one")
    print(f"{far.sum() / 1e6:.2f} megapixels are further than {FAR} px from any known one", flush=True)
    measured = {}
    for name, alpha in mattes((image, trimap, truth), boxes, parse_size(options.memory)):
        measured[name] = {"far": errors(alpha, truth, far), "unknown": errors(alpha, truth, trimap == 128)}
        print(name, measured[name], flush=True)
    watched.record(options.folder, "context", {"pixels": int(far.sum()), "ways": measured})
    rows = [[n, *(f"{v:.4g}" for where in ("far", "unknown") for v in m[where])] for n, m in measured.items()]
    print(table(("context", "far: SAD", "far: MSE", "unknown: SAD", "unknown: MSE"), rows))


def mattes(planes: Planes, boxes: list[Box], memory: int) -> Iterator[tuple[str, np.ndarray]]:
    """The scene's matte by every way, and that of no context with each thicket matted from a crop around it."""
    image, trimap, _ = planes
    for name, pipeline in WAYS.items():
        alpha = matte(image, trimap, pipeline=pipeline, memory=memory).alpha
        yield name, alpha
    for box in boxes:
        alpha[box.slices] = matte(image[box.slices], trimap[box.slices], memory=memory).alpha
    yield NEIGHBOURHOOD, alpha


def errors(alpha: np.ndarray, truth: np.ndarray, where: np.ndarray) -> tuple[float, float]:
    """SAD in thousands, and MSE, over some pixels."""
    difference = alpha[where] - truth[where] / np.float32(255)
    return float(np.abs(difference).sum() / 1000), float(np.square(difference).mean())


def far_from_known(trimap: np.ndarray, cell: int = 16) -> np.ndarray:
    """Pixels in cells around which, for FAR px, nothing is known."""
    height, width = (side // cell * cell for side in trimap.shape)
    unknown = (trimap[:height, :width] == 128).reshape(height // cell, cell, width // cell, cell).all(axis=(1, 3))
    deep = minimum_filter(unknown, size=2 * (FAR // cell) + 1, mode="constant")
    far = np.zeros(trimap.shape, bool)
    far[:height, :width] = deep.repeat(cell, axis=0).repeat(cell, axis=1)
    return far


def neighbourhoods(scene: Scene) -> list[Box]:
    """What a matting of the thicket's surroundings alone would see: two patches around each."""
    things = [thing for thing in scene.world.things.values() if thing.kind is Kind.THICKET]
    return [thing.box.grown(AROUND).within(scene.shape) for thing in things]


if __name__ == "__main__":
    main()
