"""Levels of a pyramid: exact means, colours weighted by alpha, the same whatever the pieces."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hdmatt_images import pyramid
from hdmatt_images.pyramid import above, halved, shapes
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array

SIDES = st.tuples(st.integers(1, 7), st.integers(1, 7))
DTYPES = st.sampled_from(["uint8", "uint16", "float32"])


def exact(pixels: list[Array], channel: int | None) -> Fraction:
    """The mean that a level's pixel is the nearest value to."""
    if channel is None:
        return Fraction(sum(Fraction(float(p)) for p in pixels), len(pixels))
    values = [Fraction(float(p[channel])) for p in pixels]
    weights = [Fraction(float(p[3])) for p in pixels] if len(pixels[0]) == 4 and channel < 3 else [Fraction(1)]
    if len(weights) == 1 or sum(weights) == 0:
        return sum(values, Fraction(0)) / len(values)
    return sum((v * w for v, w in zip(values, weights, strict=True)), Fraction(0)) / sum(weights)


def rounded(value: Fraction, dtype: str) -> float:
    """To the nearest value, halves of integers upwards."""
    return float(np.float32(float(value))) if dtype == "float32" else float((value + Fraction(1, 2)).__floor__())


@given(SIDES, DTYPES, st.sampled_from([None, 3, 4]), st.integers(0, 99), st.booleans())
@settings(max_examples=150)
def test_every_pixel_is_the_mean_of_those_under_it(noise, sides, dtype: str, channels, seed: int, clear: bool) -> None:
    values = noise(sides if channels is None else (*sides, channels), dtype, seed)
    if channels == 4 and clear:
        values[..., 3] *= np.random.default_rng(seed).integers(0, 2, sides).astype(values.dtype)
    got = halved(values)
    assert got.dtype == values.dtype
    assert got.shape[:2] == tuple(-(-side // 2) for side in sides)
    for y, x in np.ndindex(*got.shape[:2]):
        pixels = list(values[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].reshape(-1, *values.shape[2:]))
        for channel in [None] if channels is None else range(channels):
            at = (y, x) if channel is None else (y, x, channel)
            assert got[at] == pytest.approx(rounded(exact(pixels, channel), dtype), abs=1e-7 * (dtype == "float32"))


def test_a_reduced_cutout_lies_over_a_reduced_picture_as_before(noise) -> None:
    cutout, ground = noise((8, 8, 4), "float32"), noise((8, 8, 3), "float32", seed=1)
    over = lambda c, g: c[..., :3] * c[..., 3:] + g * (1 - c[..., 3:])  # noqa: E731
    flat = np.broadcast_to(ground[:1, :1], ground.shape)  # a picture that reduction leaves as it is
    np.testing.assert_allclose(over(halved(cutout), halved(flat)), halved(over(cutout, flat)), atol=1e-6)


@given(SIDES, DTYPES, st.sampled_from([None, 4]), st.integers(1, 4), st.data())
@settings(max_examples=60)
def test_boxes_and_pieces_do_not_show(noise, sides, dtype: str, channels, piece: int, data: st.DataObject) -> None:
    values = noise(sides if channels is None else (*sides, channels), dtype)
    whole = halved(values)
    start = tuple(data.draw(st.integers(0, n - 1)) for n in whole.shape[:2])
    box = Box(start, tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, whole.shape, strict=False)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid, "PIECE", piece)
        got = above(lambda under: values[under.slices], sides)(box)
    np.testing.assert_array_equal(got, whole[box.slices])


@pytest.mark.parametrize(
    ("shape", "levels"),
    [((512, 3), [(512, 3)]), ((513, 3), [(513, 3), (257, 2)]), ((1, 2049), [(1, 2049), (1, 1025), (1, 513), (1, 257)])],
)
def test_levels_end_with_one_tile(shape: tuple[int, int], levels: list[tuple[int, int]]) -> None:
    assert shapes(shape, 512) == levels
