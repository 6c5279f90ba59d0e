"""Random trimaps from an alpha matte."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from hdmatt_core.training.bands import borders
from hdmatt_core.training.warp import Floats, noise_field

_OPAQUE = np.float32(1 - 2.5 / 255)
_CLEAR = np.float32(2.5 / 255)
_SCARCE, _HINTED = 0.002, 0.75
_HINT = (0.04, 0.14)
"""Radii of discs, as parts of the picture's side."""

Mask = NDArray[np.bool_]


def random_trimap(alpha: Floats, rng: Generator, wild: bool = True) -> NDArray[np.uint8]:
    """Draw a trimap (S, S) of 0/128/255 for alpha (S, S), S even: the soft pixels and a band around them are unknown.

    The band's radius is 1 to 29 px; if `wild`, 1 to 12, or up to 60, or up to a third of the picture, or as narrow as
    can be. It differs between the two sides and drifts over the picture, so that the distance to its border tells
    little about alpha. `wild` also declares blobs away from it unknown, or all but a few blobs, as from a user's
    scribbles; and mostly, where no foreground or no background is left known, makes some known within a disc, for
    nobody asks for a matte without saying of what.
    """
    soft = (alpha > _CLEAR) & (alpha < _OPAQUE)
    edges = borders(alpha >= 0.5) | soft
    side = alpha.shape[0]
    halves = edges.reshape(side // 2, 2, side // 2, 2).any(axis=(1, 3))
    distance = 2 * ndimage.distance_transform_edt(~halves) if halves.any() else np.full(halves.shape, np.inf)
    reach = _radius(side // 2, rng, wild)
    outer = alpha[::2, ::2] < 0.5
    unknown = distance <= np.where(outer, *reach)
    if wild:
        unknown |= _blobs(side // 2, rng)
    unknown = unknown.repeat(2, axis=0).repeat(2, axis=1) | soft
    if wild:
        unknown &= ~_hints(unknown, soft | edges, alpha >= 0.5, rng)
    known = np.where(alpha >= 0.5, 255, 0)
    return np.where(unknown, 128, known).astype(np.uint8)


def _hints(unknown: Mask, edges: Mask, solid: Mask, rng: Generator) -> Mask:
    """Pixels (S, S) to make known: of a disc around one of a side, foreground or background, that has next to none."""
    rows, columns = np.ogrid[: len(solid), : len(solid)]
    clear = np.zeros_like(solid)
    for side in (solid, ~solid):
        where = np.flatnonzero(side & ~edges)
        if (side & ~unknown).mean() < _SCARCE and len(where) and rng.random() < _HINTED:
            y, x = divmod(int(rng.choice(where)), len(solid))
            radius = rng.uniform(*_HINT) * len(solid)
            clear |= ((rows - y) ** 2 + (columns - x) ** 2 <= radius**2) & ~edges
    return clear


def _radius(side: int, rng: Generator, wild: bool) -> list[Floats]:
    """Radii in px outside and inside, as fields (side, side), half as fine as the picture."""
    widest = rng.choice((3.0, 12.0, 60.0, 0.6 * side), p=(0.08, 0.4, 0.42, 0.1)) if wild else 29.0
    drift = 0.5 + noise_field(side, 3, rng)
    return [np.maximum(rng.uniform(1, widest) * drift, 1).astype(np.float32) for _ in range(2)]


def _blobs(side: int, rng: Generator) -> Mask:
    """Where (side, side) a user left unknown what is plain to see: in one case of three."""
    kind = rng.random()
    if kind > 1 / 3:
        return np.zeros((side, side), bool)
    level = rng.uniform(0.25, 0.45) if kind < 0.1 else rng.uniform(0.6, 0.9)
    return np.asarray(noise_field(side, int(rng.integers(2, 7)), rng) > level)
