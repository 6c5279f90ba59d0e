"""What an overview, a matte of the same picture reduced, says of patches of the full size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, Grid, factor_of
from hdmatt_core.nn.presets import EVIDENCE_CELL
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array
from hdmatt_stages.tiler import cut


def factor_for(grid: Grid, overview: ArraySpec) -> int:
    """How many times smaller an overview is than the picture of a grid; UserError if it is none, or patches miss it."""
    (height, width), sides = grid.shape, overview.shape
    factor = factor_of(sides, grid.shape)
    if factor is None:
        raise UserError(
            f"the overview is {sides[1]} x {sides[0]} px, the image {width} x {height} px; "
            "make it of a picture that is a whole number of times smaller"
        )
    if EVIDENCE_CELL % factor:
        raise UserError(
            f"cells of {EVIDENCE_CELL} px do not begin and end with pixels of an overview of 1/{factor}; "
            "make it of 1/2, 1/4 or 1/8"
        )
    return factor


def overview_around(grid: Grid, slots: Sequence[int], overview: ArraySpec) -> Box:
    """The overview's pixels that patches in ``slots`` are told of."""
    return _under(Box.bounding(grid.box(slot) for slot in slots), factor_for(grid, overview))


def overview_of(window: Array, origin: tuple[int, ...], box: Box, factor: int, device: str = "cpu") -> Any:
    """An overview's alpha (1, 1, h, w) over a box, interpolated from a window of it that begins at ``origin``."""
    import torch

    from hdmatt_core.nn.solved import spread

    piece = np.ascontiguousarray(cut(window, origin, _under(box, factor)))
    return spread(torch.from_numpy(piece)[None, None].to(device), factor)


def _under(box: Box, factor: int) -> Box:
    """The overview's pixels under a box of whole ones, and one beyond each side, to interpolate."""
    return Box(tuple(a // factor for a in box.start), tuple(b // factor for b in box.stop)).grown(1)
