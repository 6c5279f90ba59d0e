"""By tiles is as in memory, to the bit, and takes the memory of a tile."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.metrics import ArrayPlane, Score, score, score_tiles
from hdmatt_core.metrics.components import Components
from hdmatt_core.metrics.connectivity import levels

Bytes = NDArray[np.uint8]


def _blobs(rng: np.random.Generator, shape: tuple[int, int], values: list[int], cell: int) -> Bytes:
    """Blocks of few values: components of equal size, that cross tiles, with holes."""
    coarse = rng.choice(values, (-(-shape[0] // cell), -(-shape[1] // cell)))
    return np.kron(coarse, np.ones((cell, cell)))[: shape[0], : shape[1]].astype(np.uint8)


@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    tile=st.integers(1, 45),
    cell=st.integers(1, 6),
    kinds=st.sampled_from([[0, 255], [0, 100, 153, 255], list(range(256)), [255], [0], [7]]),
    known=st.sampled_from([[128], [0, 128, 255], [0, 255], [0, 90, 128, 200]]),
)
@settings(max_examples=60)
def test_tiles_are_exact(
    seed: int, shape: tuple[int, int], tile: int, cell: int, kinds: list[int], known: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    truth, prediction = (_blobs(rng, shape, kinds, cell) for _ in range(2))
    prediction = np.where(rng.random(shape) < 0.7, truth, prediction)
    trimap = _blobs(rng, shape, known, cell)
    planes = [ArrayPlane(plane) for plane in (prediction, truth, trimap)]
    assert score_tiles(*planes, tile=tile) == score(prediction, truth, trimap)


def test_of_equal_components_across_tiles_the_first_in_row_order_counts() -> None:
    both = np.zeros((6, 9), np.uint8)
    both[1:4, 6], both[2:5, 1], both[5, 3:6] = 255, 255, 255
    components = Components(both.shape)
    boxes = [Box((y, x), (y + 3, x + 3)) for y in (0, 3) for x in (0, 3, 6)]
    for box in boxes:
        components.add(box, both[box.slices])
    components.settle()
    found = np.zeros_like(both)
    for box in boxes:
        found[box.slices] = components.levels(box, both[box.slices])
    expected = np.zeros_like(both)
    expected[1:4, 6] = 10
    assert (found == expected).all()
    assert (levels(both) == expected).all()


def test_a_matte_on_disk_in_sixteen_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    deep = rng.integers(0, 65536, (70, 90), dtype=np.uint16)
    stored = zarr.create_array(tmp_path / "matte.zarr", data=deep, chunks=(32, 32))
    truth, trimap = rng.integers(0, 256, (70, 90), dtype=np.uint8), np.full((70, 90), 128, np.uint8)
    found = score_tiles(ArrayPlane(stored), ArrayPlane(truth), ArrayPlane(trimap), tile=32)
    rounded = np.floor(deep / 65535 * 255 + 0.5).astype(np.uint8)
    assert found == score(rounded, truth, trimap) == score(deep, truth, trimap)


class _Endless:
    """A matte of any height that is computed where it is read: discs with soft rims, in a period of 96 px."""

    def __init__(self, height: int, phase: int) -> None:
        self.shape, self._phase = (height, 512), phase

    def read(self, box: Box) -> Bytes:
        y, x = np.mgrid[box.slices]
        radius = np.hypot((y + self._phase) % 96 - 48, x % 96 - 48)
        return (np.clip((44 - radius) / 20, 0, 1) * 255).astype(np.uint8)


class _Unknown:
    def __init__(self, height: int) -> None:
        self.shape = (height, 512)

    def read(self, box: Box) -> Bytes:
        return np.full(box.shape, 128, np.uint8)


def _measured(height: int) -> tuple[Score, int]:
    tracemalloc.start()
    try:
        found = score_tiles(_Endless(height, 0), _Endless(height, 5), _Unknown(height), tile=128)
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_image() -> None:
    _measured(128)  # whatever is allocated once
    few, small = _measured(512)
    many, large = _measured(4096)
    assert many.unknown == 8 * few.unknown
    assert many.sad == pytest.approx(8 * few.sad, rel=0.05)
    assert large < 1.15 * small
    assert large < many.unknown  # the matte itself would take more


def test_sizes_that_differ_are_named() -> None:
    planes = [ArrayPlane(np.zeros(shape, np.uint8)) for shape in ((4, 5), (4, 6), (4, 5))]
    with pytest.raises(UserError, match="prediction 5 x 4, truth 6 x 4, trimap 5 x 4"):
        score_tiles(*planes)
