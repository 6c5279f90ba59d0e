"""Noise as a function of world coordinates: hashes, and lattices of them interpolated by single exact operations.

No operation mixes neighbouring elements, so a pixel has the same bits in whatever box it is computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box

Plane = NDArray[np.float32]
Hash = NDArray[np.uint32]


def mixed(values: NDArray[Any]) -> Hash:
    """A hash of each uint32: two rounds of xor-shift and multiplication (constants of Ellis' `lowbias32`)."""
    state = values.astype(np.uint32)
    for shift, factor in ((16, 0x21F0AAAD), (15, 0xD35A2D97)):
        state ^= state >> np.uint32(shift)
        state *= np.uint32(factor)
    state ^= state >> np.uint32(15)
    return state


def hashed(y: NDArray[Any], x: NDArray[Any], salt: int) -> Hash:
    """Hashes (len(y), len(x)) of integer world coordinates of rows ``y`` and columns ``x``."""
    rows = mixed(y.astype(np.uint32) + np.uint32(salt * 0x9E3779B1 & 0xFFFFFFFF))
    return mixed(rows[:, None] ^ (x.astype(np.uint32) * np.uint32(0x85EBCA6B)))


def unit(hashes: Hash) -> Plane:
    """Hashes as numbers in [0, 1), exactly."""
    return (hashes >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def grain(box: Box, salt: int) -> Hash:
    """One hash for each pixel of ``box``."""
    (top, left), (bottom, right) = box.start, box.stop
    return hashed(np.arange(top, bottom), np.arange(left, right), salt)


def lattice(box: Box, cell: tuple[int, int], salt: int) -> Plane:
    """Smooth noise (h, w) in [0, 1) over ``box``: random corners of cells (rows, columns in px), eased in between."""
    (top, bottom), (left, right) = ((a // s, -(-b // s)) for a, b, s in zip(box.start, box.stop, cell, strict=True))
    corners = unit(hashed(np.arange(top, bottom + 1), np.arange(left, right + 1), salt))
    down = (corners[1:] - corners[:-1])[:, None] * _ease(cell[0])[:, None]
    down += corners[:-1, None]
    skip = box.start[0] - top * cell[0]
    rows = down.reshape(-1, corners.shape[1])[skip : skip + box.shape[0]]
    across = (rows[:, 1:] - rows[:, :-1])[:, :, None] * _ease(cell[1])
    across += rows[:, :-1, None]
    skip = box.start[1] - left * cell[1]
    return across.reshape(len(rows), -1)[:, skip : skip + box.shape[1]]


def _ease(cell: int) -> Plane:
    """Weights (cell,) of the next corner: 3 t^2 - 2 t^3 at pixel centres."""
    t = (np.arange(cell, dtype=np.float32) + np.float32(0.5)) / np.float32(cell)
    weight: Plane = t * t * (np.float32(3) - np.float32(2) * t)
    return weight
