"""Seams: a noise-free scene matted twice, the second time with every patch moved by half a step.

Prints how much the two mattes differ where patches meet and inside of them, how the difference goes along a step, and
how sharply the matte bends on the lines where patches begin and end. Writes both differences as pictures.

    python tests/bench/seams.py --size 4096 --folder bench-out
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import watched
import zarr
from PIL import Image

from hdmatt_core import matte
from hdmatt_core.pipeline.sizes import parse_size

PATCH, OVERLAP = 320, 32
STEP = PATCH - OVERLAP
SHIFT = STEP // 2
BINS = 12

Plane = np.ndarray


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=int, default=4096)
    arguments.add_argument("--unknown", type=float, default=0.1)
    arguments.add_argument("--memory", default="2GB")
    arguments.add_argument("--pipeline", default="gigapixel")
    arguments.add_argument("--folder", type=Path, default=Path("bench-out"))
    options = arguments.parse_args()
    scene = zarr.open_group(watched.scene(options.folder, options.size, options.unknown), mode="r")
    image, trimap, truth = (np.asarray(scene[name]) for name in ("image", "trimap", "alpha"))
    memory = parse_size(options.memory)
    once = matte(image, trimap, pipeline=options.pipeline, memory=memory).alpha[SHIFT:, SHIFT:]
    moved = matte(image[SHIFT:, SHIFT:], trimap[SHIFT:, SHIFT:], pipeline=options.pipeline, memory=memory).alpha
    unknown = trimap[SHIFT:, SHIFT:] == 128
    difference = np.abs(once - moved)
    error = np.abs(once - truth[SHIFT:, SHIFT:] / np.float32(255))
    borders, interiors = apart(difference, unknown)
    watched.record(options.folder, "seams", {"borders": borders, "interiors": interiors, "pixels": int(unknown.sum())})
    print("\n".join(report(difference, once, error, unknown)))
    for name, plane in (("difference", difference), ("error", error)):
        Image.fromarray(np.uint8(np.clip(plane, 0, 1) * 255)).save(options.folder / f"seams-{name}.png")


def report(difference: Plane, once: Plane, error: Plane, unknown: Plane) -> list[str]:
    borders, interiors = apart(difference, unknown)
    lines = [
        f"{unknown.sum() / 1e6:.2f} megapixels are unknown; the mattes differ by {difference[unknown].mean():.4f} on "
        f"the mean, and from the truth by {error[unknown].mean():.4f}",
        f"where patches meet {borders:.4f}, inside {interiors:.4f}: ratio {borders / interiors:.3f}",
        "along a step (rows, then columns), relative to the mean: ",
    ]
    for axis in (0, 1):
        lines.append("  " + " ".join(f"{value:.2f}" for value in along(difference, unknown, axis)))
    lines.append("error against the truth along a step:")
    for axis in (0, 1):
        lines.append("  " + " ".join(f"{value:.2f}" for value in along(error, unknown, axis)))
    bends = [bending(once, unknown, axis) for axis in (0, 1)]
    lines.append("second difference on the lines where patches begin and end against elsewhere: " + bends_text(bends))
    return lines


def apart(difference: Plane, unknown: Plane) -> tuple[float, float]:
    """The mean difference where patches meet, and inside of them."""
    across = meeting(unknown.shape)
    borders, interiors = (float(difference[unknown & where].mean()) for where in (across, ~across))
    return borders, interiors


def bends_text(bends: list[float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in zip(("rows", "columns"), bends, strict=True))


def place(count: int) -> np.ndarray:
    """The place in a step of the first grid of each of ``count`` rows that begin at SHIFT."""
    return (np.arange(count) + SHIFT) % STEP


def meeting(shape: tuple[int, int]) -> Plane:
    """Where patches of either grid overlap (h, w)."""
    rows, columns = ((place(n) < OVERLAP) | ((place(n) - SHIFT) % STEP < OVERLAP) for n in shape)
    return rows[:, None] | columns[None, :]


def along(values: Plane, unknown: Plane, axis: int) -> np.ndarray:
    """The mean in each twelfth of half a step (the two grids are each other's mirror), relative to that of all."""
    bins = (place(unknown.shape[axis]) % SHIFT) * BINS // SHIFT
    sums = np.bincount(bins, (values * unknown).sum(axis=1 - axis), BINS)
    counts = np.bincount(bins, unknown.sum(axis=1 - axis), BINS)
    return sums / counts / (sums.sum() / counts.sum())


def bending(once: Plane, unknown: Plane, axis: int) -> float:
    """Mean absolute second difference over a patch's first and last line, relative to that of other places."""
    bend = np.abs(np.diff(once, 2, axis=axis))
    inside = np.take(unknown, range(1, unknown.shape[axis] - 1), axis)
    at = place(unknown.shape[axis])[1:-1]
    line = np.isin(at, (0, STEP - 1, OVERLAP - 1, OVERLAP))
    sums, counts = (bend * inside).sum(axis=1 - axis), inside.sum(axis=1 - axis)
    return float((sums[line].sum() / counts[line].sum()) / (sums[~line].sum() / counts[~line].sum()))


if __name__ == "__main__":
    main()
