"""Materials: textures that are recognised wherever they appear, whether as ground, as a body or as strokes."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from hdmatt_core.geometry import Box
from hdmatt_core.scene.noise import grain, lattice, unit

Colours = NDArray[np.uint8]
_LEVELS = 256
_GRAINS = (((509, 509), (67, 67), (17, 17)), ((251, 31), (127, 7), (37, 3)), ((31, 251), (7, 127), (3, 37)))
"""Cells of three layers of noise: blotches, streaks down, streaks across. Primes, lest they keep step with patches."""


@dataclass(frozen=True, eq=False)
class Material:
    """A palette (256, 3) over which three layers of noise and a little grain run."""

    salt: int
    cells: tuple[tuple[int, int], ...]
    palette: Colours

    def texture(self, box: Box) -> Colours:
        """Colours (h, w, 3) of the pixels of ``box``."""
        value = unit(grain(box, self.salt)) * np.float32(0.08)
        for number, (cell, share) in enumerate(zip(self.cells, (0.42, 0.32, 0.18), strict=True)):
            value += lattice(box, cell, self.salt + number + 1) * np.float32(share)
        return self.palette[(value * np.float32(_LEVELS)).astype(np.uint8)]

    def strokes(self, box: Box, names: NDArray[np.uint32]) -> Colours:
        """Colours (h, w, 3) of strokes by their names (h, w): a tone for each, a little light running along."""
        tone = (names & np.uint32(0xFF)).astype(np.float32) * np.float32(0.65)
        light = lattice(box, (61, 61), self.salt) * np.float32(0.34 * _LEVELS)
        return self.palette[(tone + light).astype(np.uint8)]


def figure(random: Generator, salt: int) -> Material:
    """A material for what is cut out: saturated, from dark to light."""
    hue, dark = random.uniform(), random.uniform(0.05, 0.3)
    stops = [(hue + 0.04 * i, random.uniform(0.45, 0.85), dark + 0.2 * i) for i in range(4)]
    return Material(salt, _GRAINS[int(random.integers(3))], _palette(stops))


def ground(random: Generator, salt: int) -> Material:
    """A material for what is behind: paler, of narrower range."""
    hue, low = random.uniform(), random.uniform(0.25, 0.5)
    stops = [(hue + 0.06 * i, random.uniform(0.08, 0.4), low + 0.14 * i) for i in range(4)]
    return Material(salt, _GRAINS[int(random.integers(3))], _palette(stops))


def _palette(stops: list[tuple[float, float, float]]) -> Colours:
    """256 colours that run through ``stops`` (hue, saturation, value)."""
    colours = np.array([colorsys.hsv_to_rgb(h % 1, s, min(v, 1)) for h, s, v in stops]) * 255
    at = np.linspace(0, len(stops) - 1, _LEVELS)
    ramps = [np.interp(at, np.arange(len(stops)), channel) for channel in colours.T]
    palette: Colours = np.rint(np.stack(ramps, axis=1)).astype(np.uint8)
    return palette
