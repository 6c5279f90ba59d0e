"""Where in a patch something is unknown, and so where there is something to decide."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

CELL = 4


def surroundings(unknown: Tensor) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Number, rows and columns of patches (B, H, W) that hold a one: the rectangle around all of them.

    In whole cells of 4 px, and one more on each side: what two convolutions of 3 x 3 at 1/2 see.
    """
    for number, patch in enumerate(unknown.bool()):
        if patch.any():
            yield number, (_around(patch.any(dim=1)), _around(patch.any(dim=0)))


def _around(asked: Tensor) -> slice:
    places = asked.nonzero()
    first, last = int(places[0]) // CELL, int(places[-1]) // CELL
    return slice(max(first - 1, 0) * CELL, min((last + 2) * CELL, len(asked)))
