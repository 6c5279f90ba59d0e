"""Motion blur and defocus: colour and alpha blurred together, premultiplied, as light adds up on the sensor."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import fft

from hdmatt_core.training.procedural.noise import axes
from hdmatt_core.training.procedural.paint import Floats, Paint


def blurred(planes: Paint, rng: Generator) -> Paint:
    """Move the foreground or put it out of focus, in half the cases only towards one side of the picture."""
    n = planes.shape[1]
    extent = float(np.exp(rng.uniform(np.log(0.003), np.log(0.04))))
    kernel = _streak(n, extent * 2, rng) if rng.random() < 0.5 else _disc(n, extent)
    soft = _convolved(planes, kernel)
    if rng.random() < 0.5:
        return soft
    x, y = axes(n)
    angle = rng.uniform(0, 2 * np.pi)
    share = np.clip(0.5 + 2 * ((x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)), 0, 1).astype(np.float32)
    return np.asarray(planes + share * (soft - planes), dtype=np.float32)


def _disc(n: int, radius: float) -> Floats:
    x, y = axes(n)
    return np.asarray(np.clip((radius - np.hypot(x - 0.5, y - 0.5)) * n + 0.5, 0, 1), dtype=np.float32)


def _streak(n: int, length: float, rng: Generator) -> Floats:
    """A straight or bent path of the camera."""
    angle, bend = rng.uniform(0, np.pi), rng.choice((0.0, rng.normal(0, 1.5)))
    way = np.linspace(-0.5, 0.5, 512)
    heading = angle + bend * way
    path = np.cumsum(np.stack([np.sin(heading), np.cos(heading)]), axis=1) * length / 512
    path = (path - path.mean(axis=1, keepdims=True) + 0.5) * n - 0.5
    low = np.floor(path).astype(int)
    share = path - low
    kernel = np.zeros((n, n), np.float32)
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - down - share[0]) * np.abs(1 - right - share[1])
            np.add.at(kernel, (low[0] + down, low[1] + right), weight.astype(np.float32))
    return kernel


def _convolved(planes: Paint, kernel: Floats) -> Paint:
    """Convolve with a centred kernel; the picture goes on beyond its border as it ends there."""
    n, rim = planes.shape[1], planes.shape[1] // 8
    reach = [np.flatnonzero(kernel.sum(axis=axis)) for axis in (0, 1)]
    rim = min(rim, max(max(n // 2 - int(part[0]), int(part[-1]) - n // 2) for part in reach) + 1)
    grown = np.pad(planes, ((0, 0), (rim, rim), (rim, rim)), mode="edge")
    size = [fft.next_fast_len(n + 2 * rim, real=True)] * 2
    core = kernel[n // 2 - rim : n // 2 + rim + 1, n // 2 - rim : n // 2 + rim + 1]
    spectrum = fft.rfft2(core / core.sum(), size)
    for channel in range(4):
        full = fft.irfft2(fft.rfft2(grown[channel], size) * spectrum, size)
        planes_at = full[2 * rim : 2 * rim + n, 2 * rim : 2 * rim + n]
        grown[channel, :n, :n] = planes_at
    return np.clip(grown[:, :n, :n], 0, 1)
