"""Drawing a scene: image, trimap and true alpha of any box, each pixel the same whatever the box."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.scene.growth import strands, strokes_of
from hdmatt_core.scene.material import Material
from hdmatt_core.scene.noise import grain, lattice
from hdmatt_core.scene.strokes import Keys, Strokes, named
from hdmatt_core.scene.thing import Kind, Thing
from hdmatt_core.scene.world import CORRIDOR, World, build

Bytes = NDArray[np.uint8]
Plane = NDArray[np.float32]
WARP = 0.12
"""How far the border of a field strays, in fields."""
KEPT_THINGS = 16
PIECE = 256
"""Side of the pieces that ground is made in, px: most lie in one field."""


class Picture(NamedTuple):
    """What is drawn of a box: ``image`` (h, w, 3), ``trimap`` (h, w) 0, 128, 255 and the true ``alpha`` (h, w)."""

    image: Bytes
    trimap: Bytes
    alpha: Bytes


class Scene:
    """A procedural picture of ``shape`` (H, W) with a share ``unknown`` of unknown pixels.

    ``noise`` is the sensor's, as a standard deviation in levels of 255. The same arguments give the same pixels.
    """

    def __init__(self, shape: tuple[int, int], seed: int = 0, unknown: float = 0.05, noise: float = 0.0) -> None:
        self.shape, self.seed, self.unknown, self.noise = shape, seed, unknown, noise
        self.world: World = build(shape, seed, unknown)
        self._grown = lru_cache(KEPT_THINGS)(strokes_of)
        points, kept = strands(shape, self.world.strands, seed)
        names = named(len(points), seed)
        thick = np.full(points.shape[:2], 1.2)
        self._strands = Strokes.of(points, thick, names, kept)
        self._corridors = Strokes.of(points, np.full(points.shape[:2], float(CORRIDOR)), names, kept)

    def render(self, box: Box) -> Picture:
        """The pixels of ``box`` (y, x), which lies within the picture."""
        canvas = _Canvas(box, self._ground(box))
        for thing in self.world.near(box):
            common = thing.box.intersection(box)
            if not common.empty:
                canvas.add(thing, self._grown(thing), common)
        canvas.cross(self._strands.draw(box), self._corridors.draw(box) > 0, self.world.figures[2])
        image, trimap, alpha = canvas.picture()
        return Picture(self._noisy(image, box), trimap, alpha)

    def _ground(self, box: Box) -> Bytes:
        """Colours of the fields, whose borders stray."""
        made: Bytes = np.empty((*box.shape, 3), np.uint8)
        for piece in blocks_of(box.shape, (PIECE, PIECE)):
            made[piece.slices] = self._piece(piece.shifted(box.start))
        return made

    def _piece(self, box: Box) -> Bytes:
        numbers = self._fields(box)
        grounds = self.world.grounds
        if isinstance(numbers, int):
            return grounds[numbers].texture(box)
        present = np.flatnonzero(np.bincount(numbers.ravel()))
        made: Bytes = grounds[present[0]].texture(box)
        for other in present[1:]:
            where = numbers == other
            made[where] = grounds[other].texture(box)[where]
        return made

    def _fields(self, box: Box) -> int | NDArray[np.intp]:
        """The number of the ground at each pixel, or everywhere."""
        fields, sizes = self.world.fields, self.world.field
        corners = [
            [min(max(int((at + stray * size) // size), 0), count - 1) for at, stray in ((a, -WARP), (b, WARP))]
            for a, b, size, count in zip(box.start, box.stop, sizes, fields.shape, strict=True)
        ]
        (top, bottom), (left, right) = corners
        if top == bottom and left == right:
            return int(fields[top, left])
        index = [self._astray(box, axis) for axis in (0, 1)]
        chosen: NDArray[np.intp] = fields[index[0], index[1]]
        return chosen

    def _astray(self, box: Box, axis: int) -> NDArray[np.intp]:
        """Row or column of the field at each pixel, by a place moved by up to WARP of a field."""
        size, count = self.world.field[axis], self.world.fields.shape[axis]
        along = np.arange(box.start[axis], box.stop[axis], dtype=np.float32)
        wave = lattice(box, (509, 509), 7 + axis) + lattice(box, (61, 61), 9 + axis) * np.float32(0.2)
        if axis == 0:
            along = along[:, None]
        place = (wave / np.float32(0.6) - np.float32(1)) * np.float32(WARP) + along / np.float32(size)
        return np.clip(place.astype(np.int32), 0, count - 1).astype(np.intp)

    def _noisy(self, image: Bytes, box: Box) -> Bytes:
        if not self.noise:
            return image
        noisy = np.empty_like(image)
        for channel in range(3):
            hashes = grain(box, self.seed + 31 * channel + 1)
            total = sum((hashes >> np.uint32(8 * i) & np.uint32(255)).astype(np.float32) for i in range(4))
            # The sum of four even bytes has a deviation of 147.8.
            values = image[..., channel] + (total - np.float32(510)) * np.float32(self.noise / 147.8)
            noisy[..., channel] = np.clip(values + np.float32(0.5), 0, 255)
        return noisy


class _Canvas:
    """A box while it is drawn: what is behind, what is before it, and what the trimap does not know."""

    def __init__(self, box: Box, behind: Bytes) -> None:
        self.box, self.behind = box, behind
        self.before: Bytes | None = None
        self.alpha: Bytes = np.zeros(box.shape, np.uint8)
        self.unknown = np.zeros(box.shape, bool)

    def add(self, thing: Thing, strokes: Strokes | None, common: Box) -> None:
        """Draw the part ``common`` of a thing."""
        there = common.shifted(-o for o in self.box.start).slices
        heights = thing.outline.heights(common)
        unknown = heights < thing.outer
        if thing.inner is not None:
            unknown &= heights > -thing.inner
        self.unknown[there] |= unknown
        if thing.ground is not None:
            own = heights < -2
            self.behind[there][own] = thing.ground.texture(common)[own]
        body = _body(thing, heights, common)
        if body.any():
            self._lay(there, body, thing.figure.texture(common))
        if strokes is not None:
            self._stroke(there, strokes.draw(common), thing.figure, common)

    def cross(self, keys: Keys, corridor: NDArray[np.bool_], figure: Material) -> None:
        """Draw long strands, and the unknown along them."""
        if corridor.any():
            self.unknown |= corridor
            self._stroke((slice(None), slice(None)), keys, figure, self.box)

    def _stroke(self, there: tuple[slice, ...], keys: Keys, figure: Material, common: Box) -> None:
        cover = (keys >> np.uint32(24)).astype(np.uint8)
        if cover.any():
            self._lay(there, cover, figure.strokes(common, keys))

    def _lay(self, there: tuple[slice, ...], cover: Bytes, colours: Bytes) -> None:
        """What covers more is seen."""
        if self.before is None:
            self.before = np.zeros_like(self.behind)
        more = cover > self.alpha[there]
        self.alpha[there][more] = cover[more]
        self.before[there][more] = colours[more]

    def picture(self) -> Picture:
        """Composed: I = alpha F + (1 - alpha) B, rounded."""
        trimap = np.where(self.unknown, np.uint8(128), np.where(self.alpha == 255, np.uint8(255), np.uint8(0)))
        if self.before is None:
            return Picture(self.behind, trimap, self.alpha)
        share = self.alpha.astype(np.uint16)[..., None]
        mixed = self.before * share + self.behind * (np.uint16(255) - share)
        mixed += np.uint16(127)
        mixed //= np.uint16(255)
        return Picture(mixed.astype(np.uint8), trimap, self.alpha)


def _body(thing: Thing, heights: Plane, box: Box) -> Bytes:
    """Coverage (h, w) by the solid or dense part of a thing, 0..255."""
    if thing.kind is Kind.HAIR:
        edge = np.clip(np.float32(0.5) - (heights + np.float32(2)) / np.float32(3), 0, 1)
        return _coverage(edge)
    if thing.kind is not Kind.SMOKE or thing.inner is None:
        return np.zeros(box.shape, np.uint8)
    out = np.clip((heights + np.float32(thing.inner)) / np.float32(thing.inner + thing.outer), 0, 1)
    layers = ((251, 0.38), (113, 0.25), (53, 0.17), (29, 0.12), (13, 0.08))
    cloud = sum(lattice(box, (cell, cell), thing.seed % 997 + cell) * np.float32(share) for cell, share in layers)
    thin = np.clip(out + (cloud - np.float32(0.5)) * np.float32(6) * out * (1 - out), 0, 1)
    return _coverage(1 - thin * thin * (3 - 2 * thin))


def _coverage(share: Plane) -> Bytes:
    covered: Bytes = (share * np.float32(255)).astype(np.uint8)
    return covered
