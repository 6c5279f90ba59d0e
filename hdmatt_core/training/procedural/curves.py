"""Shapes of curves: paths from headings, bundles of strands around guides."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from hdmatt_core.training.procedural.paint import Floats


def paths(start: Floats, heading: Floats, length: Floats) -> Floats:
    """Walk from `start` (s, 2) by headings (s, p) in radians over `length` (s,): points (s, p, 2)."""
    step = (length / heading.shape[1])[:, None]
    moves = np.stack([np.cos(heading) * step, np.sin(heading) * step], axis=-1)
    return np.asarray(start[:, None] + np.cumsum(moves, axis=1), dtype=np.float32)


def wander(count: int, points: int, rng: Generator, bends: int = 4) -> Floats:
    """Smooth random curves of deviation 1, (count, points), zero at the start."""
    knots = rng.standard_normal((count, bends + 1))
    knots[:, 0] = 0
    at = np.linspace(0, bends, points)
    low = np.minimum(at.astype(int), bends - 1)
    share = at - low
    share = share * share * (3 - 2 * share)
    return np.asarray(knots[:, low] * (1 - share) + knots[:, low + 1] * share, dtype=np.float32)


def bundle(guides: Floats, owner: NDArray[np.int64], aside: Floats, reach: Floats) -> Floats:
    """Lay strands beside guides (g, p, 2): strand i follows guide `owner[i]` over the part `reach[i]` of its length, at
    the distance `aside` (s, p) to its left."""
    points = guides.shape[1]
    at = reach[:, None] * np.linspace(0, points - 1, points, dtype=np.float32)
    low = np.minimum(at.astype(np.int64), points - 2)
    share = (at - low)[..., None]
    rows = owner[:, None]
    along = np.gradient(guides, axis=1)
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    across /= np.maximum(np.hypot(along[..., 0], along[..., 1])[..., None], 1e-9)
    centre = guides[rows, low] * (1 - share) + guides[rows, low + 1] * share
    return np.asarray(centre + aside[..., None] * across[rows, low], dtype=np.float32)


def turned(heading: Floats, towards: float, amount: Floats | float) -> Floats:
    """Turn headings by a share `amount` of the angle to `towards`, the short way round."""
    gap = (towards - heading + np.pi) % (2 * np.pi) - np.pi
    return np.asarray(heading + amount * gap, dtype=np.float32)
