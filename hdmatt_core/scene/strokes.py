"""Strokes: tapered curves cut into short segments, found by a grid of cells and drawn by exact distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box

Real = NDArray[np.float64]
Plane = NDArray[np.float32]
Keys = NDArray[np.uint32]

CELL = 128
"""Side of the cells that segments are sorted into, px."""
_SIDES = (6, 8, 12, 16, 24, 32, 48, 64, 96)
"""Sides of the squares that segments are drawn in, px."""
_AT_ONCE = 1 << 18  # pixels drawn in one go, small enough for the cache
NAMES = 1 << 24


@dataclass(frozen=True)
class Strokes:
    """Segments sorted by cell: ``corner`` (n, 2) y, x of the square each is drawn in, and in it ``shape`` (n, 6).

    The columns of ``shape``: y and x of the beginning, y and x of the way to the end, half widths at both, px.
    """

    corner: NDArray[np.int32]
    side: NDArray[np.uint8]
    shape: Plane
    name: Keys
    rows: NDArray[np.int64]  # the cell of each segment
    columns: NDArray[np.int64]

    @classmethod
    def of(cls, points: Real, half: Real, names: Keys, keep: NDArray[np.bool_]) -> Strokes:
        """Strokes from world points (n, m, 2) y, x, half widths (n, m), names (n,) and which segments (n, m - 1)."""
        start, end = points[:, :-1][keep], points[:, 1:][keep]
        first, last = half[:, :-1][keep], half[:, 1:][keep]
        room = np.maximum(np.maximum(first, last), 0.5)[:, None] + 1
        corner = np.floor(np.minimum(start, end) - room).astype(np.int32)
        need = (np.ceil(np.maximum(start, end) + room) - corner).max(axis=1, initial=0)
        side = np.array(_SIDES)[np.searchsorted(_SIDES, need)].astype(np.uint8)
        shape = np.column_stack([start - corner, end - start, first, last]).astype(np.float32)
        name = np.broadcast_to(names[:, None], keep.shape)[keep]
        rows, columns = (corner // CELL).astype(np.int64).T
        order = np.lexsort((columns, rows))
        return cls(corner[order], side[order], shape[order], name[order], rows[order], columns[order])

    def draw(self, box: Box) -> Keys:
        """For each pixel (h, w) of ``box`` the stroke that covers it most: coverage of 8 bits, then 24 bits of name."""
        keys: Keys = np.zeros(box.shape, np.uint32)
        near = self._touching(box)
        sides = self.side[near]
        for side in np.unique(sides):
            chosen = near[sides == side]
            step = max(1, _AT_ONCE // int(side) ** 2)
            for begin in range(0, len(chosen), step):
                self._stamp(keys, box, chosen[begin : begin + step], int(side))
        return keys

    def _touching(self, box: Box) -> NDArray[np.intp]:
        """The segments whose square meets ``box``."""
        (top, left), (bottom, right) = box.grown(_SIDES[-1]).start, box.stop
        found = [np.zeros(0, np.intp)]
        for row in range(top // CELL, (bottom - 1) // CELL + 1):
            a, b = np.searchsorted(self.rows, (row, row + 1))
            c, d = a + np.searchsorted(self.columns[a:b], (left // CELL, (right - 1) // CELL + 1))
            found.append(np.arange(c, d))
        every = np.concatenate(found)
        low, high = self.corner[every], self.corner[every] + self.side[every, None]
        return every[np.all((high > box.start) & (low < box.stop), axis=1)]

    def _stamp(self, keys: Keys, box: Box, chosen: NDArray[np.intp], side: int) -> None:
        covered = _coverage(self.shape[chosen], side)
        value = (covered * np.float32(255) + np.float32(0.5)).astype(np.uint32)
        local = self.corner[chosen] - np.array(box.start, np.int32)
        which, y, x = np.nonzero(value)
        value = value[which, y, x] << np.uint32(24) | self.name[chosen][which]
        y, x = y + local[which, 0], x + local[which, 1]
        inside = (y >= 0) & (x >= 0) & (y < box.shape[0]) & (x < box.shape[1])
        np.maximum.at(keys.reshape(-1), y[inside] * box.shape[1] + x[inside], value[inside])


def _coverage(shape: Plane, side: int) -> Plane:
    """How much of each pixel (n, side, side) a segment covers: 1 within its half width, a pixel's slope around it."""
    centre = np.arange(side, dtype=np.float32) + np.float32(0.5)
    y0, x0, dy, dx, first, last = (column[:, None, None] for column in shape.T)
    y, x = centre[:, None] - y0, centre[None, :] - x0
    along = (y * dy + x * dx) / np.maximum(dy * dy + dx * dx, np.float32(1e-6))
    np.clip(along, 0, 1, out=along)
    half = first + along * (last - first)
    y, x = y - along * dy, x - along * dx
    distance = np.sqrt(y * y + x * x)
    # Thinner than a pixel: as dim as it is thin.
    faint = np.minimum(half * 2, np.float32(1))
    covered: Plane = np.clip(np.maximum(half, np.float32(0.5)) + np.float32(0.5) - distance, 0, 1) * faint
    return covered


def named(count: int, salt: int) -> Keys:
    """Names of ``count`` strokes: scattered, because among equals the greatest is drawn."""
    numbers = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B1) + np.uint64(salt)
    return (numbers % np.uint64(NAMES)).astype(np.uint32)
