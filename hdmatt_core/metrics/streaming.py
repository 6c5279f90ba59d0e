"""The metrics of mattes of any size, by tiles: equal to those in memory to the bit, in the memory of a few tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.metrics.components import Components
from hdmatt_core.metrics.connectivity import connectivity_sums
from hdmatt_core.metrics.gradient import HALO, gradient_sums, magnitude, normalised
from hdmatt_core.metrics.planes import Bytes, Plane, check_shapes, pinned, three_values
from hdmatt_core.metrics.sums import Score, Sums, differences

TILE = 1024
"""Side of a tile in pixels: that of a result's shard, so that each is decoded once."""


@dataclass
class _Range:
    """Least and greatest value seen."""

    low: int = 255
    high: int = 0

    def see(self, values: Bytes) -> None:
        self.low, self.high = min(self.low, int(values.min())), max(self.high, int(values.max()))


class _Pictures:
    """Prediction (known pixels reset), truth and trimap, read together."""

    def __init__(self, prediction: Plane, truth: Plane, trimap: Plane) -> None:
        self._prediction, self._truth, self._trimap = prediction, truth, trimap

    def read(self, box: Box) -> tuple[Bytes, Bytes, Bytes]:
        trimap = three_values(self._trimap.read(box))
        return pinned(self._prediction.read(box), trimap), self._truth.read(box), trimap

    def tiles(self, tile: int, halo: int = 0) -> Iterator[tuple[Box, tuple[slice, ...], tuple[Bytes, Bytes, Bytes]]]:
        """Every tile's box, where it lies in what was read, and the pixels with ``halo`` more where the image has."""
        for box in blocks_of(self._truth.shape, (tile, tile)):
            seen = box.grown(halo).within(self._truth.shape)
            yield box, box.shifted(-start for start in seen.start).slices, self.read(seen)


def score_tiles(prediction: Plane, truth: Plane, trimap: Plane, tile: int = TILE) -> Score:
    """SAD, MSE, Grad and Conn by tiles of ``tile`` px; every pixel is read twice.

    The first reading sums SAD and MSE, finds the values' range for Grad and the largest components for Conn.
    Raises UserError where the sizes differ.
    """
    check_shapes(prediction.shape, truth.shape, trimap.shape)
    pictures = _Pictures(prediction, truth, trimap)
    components, ranges, sums = Components(truth.shape), (_Range(), _Range()), Sums()
    for box, _, (given, true, known) in pictures.tiles(tile):
        sums += differences(given, true, known == 128)
        components.add(box, np.minimum(given, true))
        ranges[0].see(given)
        ranges[1].see(true)
    components.settle()
    tables = [normalised(seen.low, seen.high) for seen in ranges]
    for box, core, (given, true, known) in pictures.tiles(tile, HALO):
        unknown = known[core] == 128
        if not unknown.any():
            continue
        level = components.levels(box, np.minimum(given[core], true[core]))
        sums += connectivity_sums(given[core], true[core], level, unknown)
        slopes = [magnitude(values, table)[core] for values, table in zip((given, true), tables, strict=True)]
        sums += gradient_sums(slopes[0], slopes[1], unknown)
    return sums.score()
