"""Random fields that look the same at any resolution: what is drawn never depends on the number of pixels."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy import ndimage

from hdmatt_core.training.procedural.paint import Floats, resized

_BICUBIC = Image.Resampling.BICUBIC


def fbm(n: int, cells: float, rng: Generator, octaves: int = 5, gain: float = 0.55, stretch: float = 1.0) -> Floats:
    """Fractal noise (n, n) of mean 0 and deviation 1: `cells` bumps across, `stretch` times fewer down."""
    rows, columns = max(2, round(cells / stretch)) + 1, max(2, round(cells)) + 1
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    for octave in range(1, octaves):
        rows, columns = 2 * rows, 2 * columns
        fresh = rng.standard_normal((rows, columns), dtype=np.float32)
        grid = resized(grid, columns, rows, _BICUBIC) + np.float32(gain**octave) * fresh
    # Detail below the pixel would alias, and would have to be smoothed away first.
    field = resized(grid, n, n, _BICUBIC)
    return np.asarray((field - grid.mean()) / max(float(grid.std()), 1e-6), dtype=np.float32)


def ridges(n: int, cells: float, rng: Generator, octaves: int = 4) -> Floats:
    """Thin winding crests (n, n), 0..1."""
    return np.asarray(np.exp(-np.abs(fbm(n, cells, rng, octaves)) * 4), dtype=np.float32)


def axes(n: int) -> tuple[Floats, Floats]:
    """Return x (1, n) and y (n, 1) of pixel centres, 0..1."""
    line = ((np.arange(n, dtype=np.float32) + 0.5) / n).astype(np.float32)
    return line[None, :], line[:, None]


def warped(field: Floats, dx: Floats, dy: Floats) -> Floats:
    """Look a field (n, n) up at places shifted by dx, dy (n, n), in parts of its width."""
    n = field.shape[0]
    steps = np.arange(n, dtype=np.float32)
    places = np.stack([steps[:, None] + n * dy, steps[None, :] + n * dx])
    return np.asarray(ndimage.map_coordinates(field, places, order=1, mode="reflect"), dtype=np.float32)


def swirled(field: Floats, rng: Generator, amount: float, cells: float = 4) -> Floats:
    """Warp a field by smooth noise."""
    n = field.shape[0]
    shifts = [np.float32(amount) * fbm(n, cells, rng, 3) for _ in range(2)]
    return warped(field, *shifts)
