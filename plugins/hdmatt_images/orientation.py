"""Displayed and stored pixels: the eight EXIF orientations as transforms of windows.

An orientation is a transposition followed by mirrorings of the displayed axes, so a displayed window is one stored
window, read and then turned; nothing larger than the window is ever touched.
"""

from __future__ import annotations

from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array

Shape = tuple[int, int]

_TURNS = {  # EXIF value: transposed, mirrored in displayed y, mirrored in displayed x
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def known(value: object) -> int:
    """``value`` if it is an EXIF orientation (1 to 8), else 1: a file with a broken tag is shown as it is stored."""
    return value if isinstance(value, int) and value in _TURNS else 1


def transposed(orientation: int) -> bool:
    """Whether stored rows are displayed as columns."""
    return _TURNS[orientation][0]


def displayed_shape(stored: Shape, orientation: int) -> Shape:
    """Rows and columns as displayed."""
    return (stored[1], stored[0]) if transposed(orientation) else stored


def stored_box(box: Box, stored: Shape, orientation: int) -> Box:
    """The stored window that holds the displayed window ``box`` (y, x) of a picture of ``stored`` rows, columns."""
    mirrored = _mirrored(box, displayed_shape(stored, orientation), orientation)
    return _swapped(mirrored) if transposed(orientation) else mirrored


def displayed_box(box: Box, stored: Shape, orientation: int) -> Box:
    """Where the stored window ``box`` is displayed; the inverse of :func:`stored_box`."""
    turned = _swapped(box) if transposed(orientation) else box
    return _mirrored(turned, displayed_shape(stored, orientation), orientation)


def displayed(piece: Array, orientation: int) -> Array:
    """A stored window (y, x, ...) as it is displayed; a view."""
    turn, flip_y, flip_x = _TURNS[orientation]
    turned = piece.swapaxes(0, 1) if turn else piece
    return turned[:: -1 if flip_y else 1, :: -1 if flip_x else 1]


def _swapped(box: Box) -> Box:
    return Box(box.start[::-1], box.stop[::-1])


def _mirrored(box: Box, shape: Shape, orientation: int) -> Box:
    start, stop = list(box.start), list(box.stop)
    for axis, flip in enumerate(_TURNS[orientation][1:]):
        if flip:
            start[axis], stop[axis] = shape[axis] - box.stop[axis], shape[axis] - box.start[axis]
    return Box(tuple(start), tuple(stop))
