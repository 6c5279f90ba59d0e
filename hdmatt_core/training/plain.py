"""Plain pictures: a thing before a photograph, a trimap as people draw it, and nothing of the camera but its noise."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hdmatt_core.training.bands import BANDS, draw_trimap
from hdmatt_core.training.camera import noise, pixels
from hdmatt_core.training.picture import Picture
from hdmatt_core.training.placing import Layer
from hdmatt_core.training.warp import Floats

_NOISY = 1 / 3


def plain_picture(layer: Layer, background: Floats, rng: Generator) -> Picture | None:
    """Compose a foreground and a background (3, S, S) with alpha in 8 bits, every soft pixel of which is unknown.

    None where no band leaves known foreground and known background, as of smoke before which nobody stands.
    """
    alpha = np.asarray(layer.alpha * 255 + 0.5, dtype=np.uint8)
    trimap = draw_trimap(alpha, BANDS[rng.integers(len(BANDS))], rng)
    if trimap is None:
        return None
    share = alpha.astype(np.float32) / np.float32(255)
    mixed = background + share * (layer.colour - background)
    if rng.random() < _NOISY:
        mixed = mixed + noise(mixed, rng)
    return Picture(pixels(mixed), share, trimap, np.abs(layer.colour - background).mean(axis=0))
