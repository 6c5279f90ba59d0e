"""How any stored picture becomes what a pipeline reads.

Depth
    8-bit pictures are read as uint8, 16-bit ones as uint16 and float ones as float32; nothing is reduced on the
    way. Samples of other widths (1, 2, 4, 10, 12 ... bits) are stretched to the next of these. Floats must be
    finite and within 0..1.
Colour
    Grey becomes three equal channels. Palette colours become RGB. An alpha channel is ignored and the colours are
    taken as they stand (straight). CMYK becomes RGB through the embedded profile if there is one that works, else
    by ``(1 - ink)(1 - black)``; its profile is then dropped. Any other ICC profile of RGB colours, and the
    resolution, go on into the cut-out.
Orientation
    Every picture is read as it is displayed: the EXIF orientation, and that of a TIFF file, are applied.
Trimap
    Below 85 is background, from 170 on foreground, between them unknown, on the scale 0..255; other values than 0,
    128 and 255 are accepted by this rule with one warning for each file.
Grey values of a coloured trimap, mask or matte
    The channel itself where all three are equal; else the luma 0.299 R + 0.587 G + 0.114 B, with one warning.
Several pictures in one file
    Of a WebP, GIF or animated PNG the first frame is read; a TIFF file that is a stack of pictures is refused.
Decompression bombs
    A picture that can only be decoded whole is refused if it claims more than 1 GB and more than 2000 decoded bytes
    for each byte of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import Role
from hdmatt_core.nn.regions import FOREGROUND_FROM, UNKNOWN_FROM
from hdmatt_core.stage import Array
from hdmatt_images.depth import converted
from hdmatt_images.held import warn_once

GREY_BYTES = 8
"""For a pixel, beside its samples: grey, in 8 bits, by levels, and which of them are wrong."""
_ROWS = 16
_LEVELS = np.full(256, 128, dtype=np.uint8)
_LEVELS[:UNKNOWN_FROM] = 0
_LEVELS[FOREGROUND_FROM:] = 255


@dataclass(frozen=True)
class Place:
    """Which pixels of which file a window holds, for messages."""

    path: Path
    box: Box  # displayed (y, x)


def as_role(window: Array, role: Role, place: Place) -> Array:
    """A window (y, x, c) of 1 to 4 channels as its role wants it: RGB (y, x, c=3), trimap (y, x) or grey (y, x)."""
    if window.dtype == np.float32:
        _check_floats(window, place)
    if role == "image":
        return np.ascontiguousarray(_rgb(window))
    grey = _grey(window, role, place)
    return _trimap(grey, place) if role == "trimap" else np.ascontiguousarray(grey)


def _rgb(window: Array) -> Array:
    return window[..., :3] if window.shape[2] >= 3 else np.repeat(window[..., :1], 3, axis=2)


def _grey(window: Array, role: Role, place: Place) -> Array:
    red = window[..., 0]
    if window.shape[2] < 3:
        return red
    if np.array_equal(red, window[..., 1]) and np.array_equal(red, window[..., 2]):
        return red
    warn_once(place.path, f"{place.path}: the {role} is coloured; its luma (0.299 R + 0.587 G + 0.114 B) was read")
    return _luma(window)


def _luma(window: Array) -> Array:
    if window.dtype == np.float32:
        return window[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    grey = np.empty(window.shape[:2], window.dtype)
    for row in range(0, len(window), _ROWS):  # three planes of numbers four times as wide are for a few rows alone
        red, green, blue = (window[row : row + _ROWS, :, i].astype(np.uint32) for i in range(3))
        grey[row : row + _ROWS] = (299 * red + 587 * green + 114 * blue + 500) // 1000
    return grey


def _trimap(grey: Array, place: Place) -> Array:
    eight = converted(grey, "uint8")
    if _even(eight):  # a third of what the table costs, and next to nothing where all is of one value
        return np.ascontiguousarray(eight)
    levels: Array = _LEVELS[eight]
    _warn_uneven(np.unique(eight[eight != levels]), place)
    return levels


def _even(eight: Array) -> bool:
    """Whether 0, 128 and 255 are all that a trimap holds."""
    if eight.size and (value := eight.min()) == eight.max():
        return bool(_LEVELS[value] == value)
    return bool(((eight == 0) | (eight == 128) | (eight == 255)).all())


def _warn_uneven(values: Array, place: Place) -> None:
    kinds = f"{values.size} kinds" if values.size > 1 else "1 kind"
    warn_once(
        place.path,
        f"{place.path}: the trimap holds other values than 0, 128 and 255 ({kinds} where first seen, such as "
        f"{values[values.size // 2]}); below {UNKNOWN_FROM} was read as background, from {FOREGROUND_FROM} on as "
        "foreground, the rest as unknown",
        topic="levels",
    )


def _check_floats(window: Array, place: Place) -> None:
    wrong = ~((window >= 0) & (window <= 1))  # also true for NaN
    if not wrong.any():
        return
    y, x, c = (int(i) for i in np.argwhere(wrong)[0])
    value = window[y, x, c]
    cure = "repair it" if not np.isfinite(value) else "scale the picture to 0..1"
    y, x = y + place.box.start[0], x + place.box.start[1]
    raise UserError(f"{place.path}: holds {value} at y={y}, x={x}; float pictures must be within 0..1, {cure}")
