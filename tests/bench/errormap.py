"""Whether the error of a whole picture shows the grid of patches: against the truth, by place in a step of the grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import zarr

from hdmatt_core.geometry import blocks_of

PATCH, OVERLAP = 320, 32
STEP = PATCH - OVERLAP
PIECE = 1024


@dataclass
class ErrorMap:
    """Sums of absolute errors of unknown pixels by their row and column in a step, and where patches meet or not."""

    errors: np.ndarray = field(default_factory=lambda: np.zeros((2, STEP)))
    pixels: np.ndarray = field(default_factory=lambda: np.zeros((2, STEP)))
    apart: np.ndarray = field(default_factory=lambda: np.zeros((2, 2)))  # meeting or inside: error, pixels

    def add(self, error: np.ndarray, unknown: np.ndarray, start: tuple[int, ...]) -> None:
        """Count a piece that begins at ``start``; ``error`` is 0 outside of ``unknown``."""
        places = [(origin + np.arange(side)) % STEP for origin, side in zip(start, error.shape, strict=True)]
        for axis, place in enumerate(places):
            self.errors[axis] += np.bincount(place, error.sum(axis=1 - axis), STEP)
            self.pixels[axis] += np.bincount(place, unknown.sum(axis=1 - axis), STEP)
        meet = (places[0] < OVERLAP)[:, None] | (places[1] < OVERLAP)[None, :]
        for row, where in enumerate((meet, ~meet)):
            self.apart[row] += (error * where).sum(), (unknown & where).sum()

    def figures(self) -> dict[str, float]:
        """Mean error 0..1, its ratio where patches meet to inside, and the least and greatest of any line."""
        lines = self.errors / self.pixels / (self.errors.sum(axis=1) / self.pixels.sum(axis=1))[:, None]
        meet, inside = self.apart[:, 0] / self.apart[:, 1]
        mean = self.apart[:, 0].sum() / self.apart[:, 1].sum() / 255
        return {"mean": mean, "meet": meet / inside, "least line": lines.min(), "greatest line": lines.max()}


def error_map(matte: Path, scene: Path) -> dict[str, float]:
    """The figures of a matte (8 bits) of a whole scene, read piece by piece."""
    alpha = zarr.open_array(matte, mode="r")
    trimap, truth = (zarr.open_array(scene / name, mode="r") for name in ("trimap", "alpha"))
    found = ErrorMap()
    for box in blocks_of(alpha.shape, (PIECE, PIECE)):
        unknown = np.asarray(trimap[box.slices]) == 128
        if unknown.any():
            pair = (np.asarray(plane[box.slices], np.int16) for plane in (alpha, truth))
            found.add(np.abs(np.subtract(*pair)) * unknown, unknown, box.start)
    return found.figures()
