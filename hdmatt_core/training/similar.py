"""Foregrounds whose colours come near the background's, where matting is hard, and ones that wear a photograph."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from hdmatt_core.training.placing import Layer
from hdmatt_core.training.warp import Floats

_EVERY = 8


def alike(layer: Layer, background: Floats, rng: Generator) -> Layer:
    """Move mean and covariance of F's colours a share of the way, 0.2 to 0.95, to those of B where the two mix."""
    weight = layer.alpha[::_EVERY, ::_EVERY].ravel()
    mixing = weight * (1 - weight) + 1e-4
    ours, ours_spread = _moments(layer.colour, weight + 1e-4)
    theirs, theirs_spread = _moments(background, mixing)
    share = float(rng.uniform(0.2, 0.95))
    matched = np.linalg.cholesky(theirs_spread) @ np.linalg.inv(np.linalg.cholesky(ours_spread))
    # Noise must not be blown up to a texture, nor a texture be ironed flat.
    matched *= np.clip(np.linalg.norm(matched), 0.7, 3.0) / np.linalg.norm(matched)
    turn = (1 - share) * np.eye(3) + share * matched
    shift = ours + share * (theirs - ours) - turn @ ours
    colour = np.tensordot(turn.astype(np.float32), layer.colour, 1) + shift.astype(np.float32)[:, None, None]
    return Layer(np.clip(colour, 0, 1), layer.alpha)


def _moments(colour: Floats, weight: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (3,) and covariance (3, 3) of every eighth pixel, weighted."""
    some = colour[:, ::_EVERY, ::_EVERY].reshape(3, -1).astype(np.float64)
    share = weight / weight.sum()
    mean = some @ share
    apart = some - mean[:, None]
    return mean, (apart * share) @ apart.T + 1e-4 * np.eye(3)


def clothed(layer: Layer, photograph: Floats) -> Layer:
    """Give a foreground the colours of a photograph under its own light and shade."""
    light = layer.colour.mean(axis=0)
    visible = layer.alpha[::_EVERY, ::_EVERY] + np.float32(1e-4)
    mean = float((light[::_EVERY, ::_EVERY] * visible).sum() / visible.sum())
    shade = np.clip(light / max(mean, 0.02), 0.4, 1.6)
    return Layer(np.clip(photograph * shade, 0, 1), layer.alpha)
