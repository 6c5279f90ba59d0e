"""Boxes, grids of overlapping patches, reflection and the blending ramp: integer geometry, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, order=True)
class Box:
    """A half-open box ``start <= i < stop`` in any number of dimensions; it may reach outside an array."""

    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))

    @property
    def slices(self) -> tuple[slice, ...]:
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    @property
    def empty(self) -> bool:
        return any(side <= 0 for side in self.shape)

    def grown(self, halo: int) -> Box:
        """The box with ``halo`` more elements on every side."""
        return Box(tuple(a - halo for a in self.start), tuple(b + halo for b in self.stop))

    def shifted(self, offset: Iterable[int]) -> Box:
        by = tuple(offset)
        return Box(
            tuple(a + o for a, o in zip(self.start, by, strict=True)),
            tuple(b + o for b, o in zip(self.stop, by, strict=True)),
        )

    def within(self, shape: tuple[int, ...]) -> Box:
        """The part of the box inside an array of ``shape`` (possibly empty)."""
        start = tuple(min(max(a, 0), n) for a, n in zip(self.start, shape, strict=True))
        stop = tuple(max(min(b, n), a) for a, b, n in zip(start, self.stop, shape, strict=True))
        return Box(start, stop)

    def intersection(self, other: Box) -> Box:
        start = tuple(max(a, b) for a, b in zip(self.start, other.start, strict=True))
        stop = tuple(max(min(a, b), s) for a, b, s in zip(self.stop, other.stop, start, strict=True))
        return Box(start, stop)

    @staticmethod
    def bounding(boxes: Iterable[Box]) -> Box:
        """The smallest box around ``boxes`` (at least one)."""
        every = list(boxes)
        return Box(
            tuple(min(axis) for axis in zip(*(b.start for b in every), strict=True)),
            tuple(max(axis) for axis in zip(*(b.stop for b in every), strict=True)),
        )


def blocks_of(shape: tuple[int, ...], block: tuple[int, ...]) -> Iterator[Box]:
    """Cut an array of ``shape`` into boxes of at most ``block``, in row-major order."""
    counts = tuple(-(-n // b) for n, b in zip(shape, block, strict=True))
    for index in np.ndindex(*counts):
        start = tuple(i * b for i, b in zip(index, block, strict=True))
        yield Box(start, tuple(min(a + b, n) for a, b, n in zip(start, block, shape, strict=True)))


def reflected(start: int, stop: int, length: int) -> NDArray[np.intp]:
    """Indices that read ``start..stop`` from an axis of ``length``, mirrored at the ends as often as needed.

    The border element is not repeated (``numpy.pad(mode="reflect")``); an axis of length 1 is repeated.
    """
    if length == 1:
        return np.zeros(stop - start, dtype=np.intp)
    period = 2 * (length - 1)
    folded = np.arange(start, stop) % period
    return np.minimum(folded, period - folded)


def touched(box: Box, shape: tuple[int, ...]) -> Box:
    """The elements of an array of ``shape`` that a box reads, those that are mirrored where it reaches beyond it, and
    the edge that they are mirrored at."""
    lines = [_line_touched(a, b, n) for a, b, n in zip(box.start, box.stop, shape, strict=True)]
    return Box(tuple(first for first, _ in lines), tuple(beyond for _, beyond in lines))


def _line_touched(start: int, stop: int, length: int) -> tuple[int, int]:
    if max(-start, stop - length) >= length:  # mirrored more than once
        return 0, length
    indices = reflected(start, stop, length)
    return 0 if start < 0 else int(indices.min()), length if stop > length else int(indices.max()) + 1


def mirrored(piece: NDArray[Any], inside: Box, box: Box, shape: tuple[int, ...]) -> NDArray[Any]:
    """The elements of a box over an array of ``shape`` (h, w), from the ``piece`` (h', w', ...) of it that the box
    ``touched``."""
    beyond = [(max(0, -a), max(0, b - n)) for a, b, n in zip(box.start, box.stop, shape, strict=True)]
    wide = np.pad(piece, beyond + [(0, 0)] * (piece.ndim - len(beyond)), mode="reflect")
    corner = [a - i + before for a, i, (before, _) in zip(box.start, inside.start, beyond, strict=True)]
    return wide[tuple(slice(a, a + side) for a, side in zip(corner, box.shape, strict=True))]


def factor_of(shape: tuple[int, ...], image: tuple[int, ...]) -> int | None:
    """How many pixels of an image (H, W) one of ``shape`` (h, w) stands for along either side; None if it cannot.

    The last row and column may stand for fewer: a level of a pyramid has the sides of the full one, rounded up.
    """
    factor = max(-(-whole // side) for whole, side in zip(image, shape, strict=True))
    fits = tuple(-(-whole // factor) for whole in image) == shape
    return factor if fits else None


@dataclass(frozen=True)
class Grid:
    """Square patches of side ``patch`` that overlap by ``overlap`` pixels and cover an image of ``shape`` (H, W).

    Patches reach beyond the right and lower border where the image does not fill them (reflection fills them).
    Slots number the patches *block by block*, a block being ``side`` x ``side`` neighbouring patches, row-major
    inside and outside; slots of border blocks that hold no patch exist but are absent. So a contiguous range of
    slots is a compact piece of the image, and every block owns one shard of every array over tiles.
    """

    shape: tuple[int, int]
    patch: int
    overlap: int
    side: int = 4

    @property
    def stride(self) -> int:
        return self.patch - self.overlap

    @cached_property
    def counts(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        rows, cols = (max(1, -(-(n - self.overlap) // self.stride)) for n in self.shape)
        return rows, cols

    @cached_property
    def block_counts(self) -> tuple[int, int]:
        rows, cols = self.counts
        return -(-rows // self.side), -(-cols // self.side)

    @property
    def block(self) -> int:
        """Slots in one block."""
        return self.side * self.side

    @property
    def slots(self) -> int:
        rows, cols = self.block_counts
        return rows * cols * self.block

    def position(self, slot: int) -> tuple[int, int] | None:
        """Row and column of the patch in ``slot``, or None if the slot is absent."""
        block, inner = divmod(slot, self.block)
        block_row, block_col = divmod(block, self.block_counts[1])
        row = block_row * self.side + inner // self.side
        col = block_col * self.side + inner % self.side
        rows, cols = self.counts
        return (row, col) if row < rows and col < cols else None

    def slot(self, row: int, col: int) -> int:
        block = (row // self.side) * self.block_counts[1] + col // self.side
        return block * self.block + (row % self.side) * self.side + col % self.side

    def box(self, slot: int) -> Box:
        """The pixels (y, x) of the patch in ``slot``; ValueError if the slot is absent."""
        position = self.position(slot)
        if position is None:
            raise ValueError(f"slot {slot} of {self} holds no patch")
        y, x = (p * self.stride for p in position)
        return Box((y, x), (y + self.patch, x + self.patch))

    def present(self, start: int, stop: int) -> list[int]:
        """The slots in ``start..stop`` that hold a patch."""
        return [slot for slot in range(start, stop) if self.position(slot) is not None]

    def covering(self, box: Box) -> list[int]:
        """The slots whose patches share a pixel with ``box``, in row-major order of patches."""
        rows, cols = self.counts
        ranges = []
        for a, b, n in zip(box.start, box.stop, (rows, cols), strict=True):
            first = max(0, (a - self.patch) // self.stride + 1)
            ranges.append(range(min(first, n), min(n, (b - 1) // self.stride + 1)))
        return [self.slot(row, col) for row in ranges[0] for col in ranges[1]]

    def ramp(self, slot: int) -> NDArray[np.float32]:
        """The paper's blending weight of the patch in ``slot``, (patch, patch), in (0, 1].

        ``w = min(1, boundary_dist / overlap)`` with the distance counted from pixel centres (half a pixel at the
        border, so that no weight is 0) and only from sides that another patch shares.
        """
        position = self.position(slot)
        if position is None:
            raise ValueError(f"slot {slot} of {self} holds no patch")
        sides = [self._axis_ramp(p > 0, p < n - 1) for p, n in zip(position, self.counts, strict=True)]
        return np.minimum(sides[0][:, None], sides[1][None, :])

    def _axis_ramp(self, low: bool, high: bool) -> NDArray[np.float32]:
        weight = np.ones(self.patch, dtype=np.float32)
        if self.overlap == 0:
            return weight
        rise = (np.arange(self.patch, dtype=np.float32) + 0.5) / self.overlap
        if low:
            weight = np.minimum(weight, rise)
        if high:
            weight = np.minimum(weight, rise[::-1])
        return weight
