"""Components that cross tile borders, at one threshold: a node each, joined where they touch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hdmatt_core.geometry import Box
from hdmatt_core.metrics.connectivity import Labels

Numbers = NDArray[np.int64]
_NONE = -1


class Nodes:
    """Border components of tiles that come in row-major order, and the best of the others."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._width = shape[1]
        self._count = 0
        self._base: dict[tuple[int, ...], int] = {}  # a tile's first node, by its corner
        self._sizes: list[Numbers] = []
        self._firsts: list[Numbers] = []
        self._joins: list[Numbers] = [np.empty((2, 0), np.int64)]
        self._above = np.full(self._width, _NONE)  # nodes of the row of pixels above the tiles that come
        self._left = np.empty(0, np.int64)  # those of the column left of the tile that comes
        self._best = (0, 0)  # size of the largest component inside a tile, and minus its first pixel
        self._home: tuple[tuple[int, ...], int] | None = None  # its tile's corner and its label
        self._won: NDArray[np.bool_] = np.empty(0, np.bool_)

    def add(self, box: Box, labels: Labels, count: int) -> None:
        """Take up a tile's components: nodes for those on its border, joined to what lies above and left."""
        if not box.start[1]:
            self._pack()
        border = _on_border(labels, count)
        sizes, firsts = self._measured(box, labels, count)
        self._compare(box, sizes, firsts, border)
        chosen = np.flatnonzero(border)
        self._sizes.append(sizes[chosen])
        self._firsts.append(firsts[chosen])
        nodes = np.full(count + 1, _NONE)
        nodes[chosen] = self._count + np.arange(chosen.size)
        self._base[box.start] = self._count
        self._count += chosen.size
        self._join(box, nodes[labels[0]], nodes[labels[:, 0]])
        self._above[box.slices[1]] = nodes[labels[-1]]
        self._left = nodes[labels[:, -1]]

    def settle(self) -> None:
        """Join nodes, and keep which of them belong to the largest component if it crosses a border."""
        self._won = np.zeros(self._count, np.bool_)
        if self._count:
            self._pack()
            (whole,), (firsts,), ((one, other),) = self._sizes, self._firsts, self._joins
            links = coo_array((np.ones(one.size, np.bool_), (one, other)), shape=(self._count, self._count))
            parts, part = connected_components(links, directed=False)
            sizes = np.zeros(parts, np.int64)
            np.add.at(sizes, part, whole)
            first = np.full(parts, np.iinfo(np.int64).max)
            np.minimum.at(first, part, firsts)
            winner = int(np.lexsort((first, -sizes))[0])
            if (int(sizes[winner]), -int(first[winner])) > self._best:
                self._won, self._home = part == winner, None
        self._sizes, self._firsts, self._joins = [], [], []

    def inside(self, box: Box, labels: Labels, count: int) -> NDArray[np.bool_]:
        """Which pixels of the tile belong to the largest component; the labels must be those of :meth:`add`."""
        chosen = np.zeros(count + 1, np.bool_)
        if self._home is not None and self._home[0] == box.start:
            chosen[self._home[1]] = True
        at = np.flatnonzero(_on_border(labels, count))
        base = self._base[box.start]
        chosen[at] = self._won[base : base + at.size]
        return chosen[labels]

    def _pack(self) -> None:
        """Small arrays into one: a row of tiles leaves numbers behind, and not objects."""
        self._sizes = [np.concatenate([np.empty(0, np.int64), *self._sizes])]
        self._firsts = [np.concatenate([np.empty(0, np.int64), *self._firsts])]
        self._joins = [np.concatenate(self._joins, axis=1)]

    def _measured(self, box: Box, labels: Labels, count: int) -> tuple[Numbers, Numbers]:
        """Size, and first pixel of the image in row order, of every label; label 0 has no size."""
        flat = labels.ravel()
        sizes = np.bincount(flat, minlength=count + 1)
        sizes[0] = 0
        place = np.zeros(count + 1, np.int64)
        place[flat[::-1]] = np.arange(flat.size)[::-1]  # the last one written, and so kept, is the first pixel
        y, x = np.divmod(place, labels.shape[1])
        return sizes, (y + box.start[0]) * self._width + x + box.start[1]

    def _compare(self, box: Box, sizes: Numbers, firsts: Numbers, border: NDArray[np.bool_]) -> None:
        """Whether the largest component that touches no border of this tile is the largest so far."""
        own = np.where(border, 0, sizes)
        label = int(np.argmax(own))  # of equal ones the lowest label, whose first pixel comes first
        if own[label] and (int(own[label]), -int(firsts[label])) > self._best:
            self._best = int(own[label]), -int(firsts[label])
            self._home = box.start, label

    def _join(self, box: Box, top: Numbers, left: Numbers) -> None:
        self._joins.append(_pairs(self._above[box.slices[1]], top))
        if box.start[1]:
            self._joins.append(_pairs(self._left, left))


def _on_border(labels: Labels, count: int) -> NDArray[np.bool_]:
    """Which labels touch the tile's border; 0, the background, does not count."""
    border = np.zeros(count + 1, np.bool_)
    for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        border[line] = True
    border[0] = False
    return border


def _pairs(one: Numbers, other: Numbers) -> Numbers:
    """The distinct pairs (2, n) of nodes that touch along a line of pixels."""
    both = (one != _NONE) & (other != _NONE)
    return np.unique(np.stack([one[both], other[both]]), axis=1)
