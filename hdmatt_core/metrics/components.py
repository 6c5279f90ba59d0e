"""The largest component of every threshold over an image that is seen tile by tile, twice.

The first time a component that touches no tile border is compared at once, and one that does becomes a node with a
size and a first pixel; nodes that touch across a border are joined. Then the largest is known, and the second time
each tile is labelled again, its border components take up their nodes in the same order, and its pixels know whether
they are inside. Between the two only nodes are kept: some 40 bytes for a component that crosses a tile border.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box
from hdmatt_core.metrics.connectivity import THRESHOLDS, Labels, labelled
from hdmatt_core.metrics.nodes import Nodes

LEVELS = len(THRESHOLDS) - 1


class Components:
    """Largest components over an image of ``shape`` (H, W); tiles come in row-major order."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._nodes = [Nodes(shape) for _ in range(LEVELS)]

    def add(self, box: Box, both: NDArray[np.uint8]) -> None:
        """See a tile for the first time; ``both`` is min(P, T) of its pixels."""
        for level, (labels, count) in enumerate(_labellings(both)):
            self._nodes[level].add(box, labels, count)

    def settle(self) -> None:
        """All tiles were seen: decide which component is the largest at every threshold."""
        for nodes in self._nodes:
            nodes.settle()

    def levels(self, box: Box, both: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See a tile for the second time: the threshold's number 0..10 up to which each pixel stays inside."""
        level = np.zeros(both.shape, np.uint8)
        inside = np.ones(both.shape, np.bool_)
        for number, (labels, count) in enumerate(_labellings(both)):
            inside &= self._nodes[number].inside(box, labels, count)
            level += inside
        return level


def _labellings(both: NDArray[np.uint8]) -> Iterator[tuple[Labels, int]]:
    """The components of a tile at every threshold above 0; the same labels again where nothing falls away."""
    values = np.bincount(both.ravel(), minlength=256)
    labels, count = labelled(both >= THRESHOLDS[1])
    for low, high in zip((0, *THRESHOLDS[1:]), THRESHOLDS[1:], strict=False):
        if low and values[low:high].any():
            labels, count = labelled(both >= high)
        yield labels, count
