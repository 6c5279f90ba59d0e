"""Things: what stands before the ground, each within a star-shaped outline around its centre."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box
from hdmatt_core.scene.material import Material

Plane = NDArray[np.float32]


class Kind(StrEnum):
    """What a thing looks like, and what the trimap knows of it."""

    HAIR = "hair"  # a solid body in a fringe of hair: a band is unknown
    SMOKE = "smoke"  # a dense core that thins out: a very wide band is unknown
    FOLIAGE = "foliage"  # leaves and branches before the ground around: wholly unknown
    THICKET = "thicket"  # grass before a ground found far away: wholly unknown, its evidence elsewhere


@dataclass(frozen=True)
class Outline:
    """The curve ``r(z) = radius (1 + Re sum_k c_k z^(k + 2))`` over directions z of unit length."""

    centre: tuple[int, int]
    radius: float
    waves: tuple[complex, ...]

    @property
    def furthest(self) -> float:
        """No point of the outline is further from the centre, px."""
        return self.radius * (1 + sum(abs(wave) for wave in self.waves))

    def heights(self, box: Box) -> Plane:
        """How far beyond the outline each pixel centre of ``box`` lies, along the ray from the centre, px."""
        y, x = (
            np.arange(a - c, b - c, dtype=np.float32) + np.float32(0.5)
            for a, b, c in zip(box.start, box.stop, self.centre, strict=True)
        )
        away = np.sqrt(y[:, None] * y[:, None] + x * x)
        cos, sin = x / away, y[:, None] / away
        real, imaginary = cos, sin
        reach = np.full(box.shape, self.radius, np.float32)
        for wave in self.waves:
            real, imaginary = real * cos - imaginary * sin, real * sin + imaginary * cos
            reach += real * np.float32(self.radius * wave.real) - imaginary * np.float32(self.radius * wave.imag)
        beyond: Plane = away - reach
        return beyond

    def at(self, angles: NDArray[np.float64]) -> NDArray[np.float64]:
        """The outline's distance from the centre in directions ``angles``, px."""
        total = np.ones_like(angles)
        for k, wave in enumerate(self.waves, 2):
            total += wave.real * np.cos(k * angles) - wave.imag * np.sin(k * angles)
        return total * self.radius


@dataclass(frozen=True)
class Thing:
    """One thing. Unknown is what lies from ``inner`` px within the outline (None: all of it) to ``outer`` beyond."""

    kind: Kind
    outline: Outline
    inner: float | None
    outer: float
    figure: Material
    ground: Material | None  # what is behind it, where that is not the field around
    seed: int

    @property
    def box(self) -> Box:
        reach = math.ceil(self.outline.furthest + self.outer) + 2
        y, x = self.outline.centre
        return Box((y - reach, x - reach), (y + reach, x + reach))

    @property
    def unknown(self) -> float:
        """The area of its unknown region, px; exact, since the outline's waves have no mean."""
        outline = self.outline
        squared = outline.radius**2 * (1 + sum(abs(wave) ** 2 for wave in outline.waves) / 2)
        whole = math.pi * (squared + 2 * outline.radius * self.outer + self.outer**2)
        if self.inner is None:
            return whole
        return whole - math.pi * (squared - 2 * outline.radius * self.inner + self.inner**2)
