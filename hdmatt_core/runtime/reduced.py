"""Previews: pictures reduced by a whole number, out of core; each pixel stands for a square of the full size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from hdmatt_core.geometry import Box, blocks_of, factor_of
from hdmatt_core.kinds import About, Role, Source
from hdmatt_core.pipeline.inputs import InputPlan
from hdmatt_core.runtime.enlarged import shape_of
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Specs, Target
from hdmatt_core.storage.layout import SHARD

PIECE = 1024
"""Side of the pieces of the full size that are read at a time, px."""
UNKNOWN, FOREGROUND = 128, 255


class ReducedSource(Source):
    """A source of which every pixel is the mean of ``factor`` x ``factor`` pixels of another.

    Integers are rounded to the nearest value, halves upwards. A pixel of a trimap is what all of its pixels are, and
    unknown if they differ: a thin band of unknown does not vanish.
    """

    def __init__(self, inner: Source, factor: int, role: Role) -> None:
        super().__init__(inner.params)
        self.inner, self._factor, self.role = inner, factor, role

    def over(self, inner: Source) -> ReducedSource:
        """The same reduction of another source of the same pixels."""
        return ReducedSource(inner, self._factor, self.role)

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        spec = self.inner.infer(specs)["pixels"]
        sides = (-(-side // self._factor) for side in spec.shape[:2])
        return {"pixels": replace(spec, shape=(*sides, *spec.shape[2:]))}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        """The window ``block.target.box`` (y, x); of the full size a piece is held at a time."""
        box, full = block.target.box, self.inner.infer({})["pixels"]
        under = Box(*(tuple(at * self._factor for at in corner) for corner in (box.start, box.stop)))
        total = np.zeros((*box.shape, *full.shape[2:]), np.float64 if full.dtype.startswith("float") else np.int64)
        for part in _pieces(under.within(full.shape[:2])):
            pixels = self.inner.run(Block(Target(part), {}, {}, block.wanted), context)["pixels"]
            self._add(pixels, part, total, box)
        return {"pixels": self._finished(total, self._counts(box, full.shape), np.dtype(full.dtype))}

    def stream(self) -> Iterator[tuple[Box, Array]]:
        for box in blocks_of(self.infer({})["pixels"].shape[:2], (SHARD, SHARD)):
            block = Block(Target(box), {}, {}, frozenset({"pixels"}))
            yield box, self.run(block, None)["pixels"]  # type: ignore[arg-type]  # a source needs no context

    def identity(self) -> Mapping[str, str | int]:
        return {**self.inner.identity(), "reduced": self._factor}

    def about(self) -> About:
        """Pixels are as much larger as there are fewer; the first one's centre is the mean of those under it."""
        return coarser(self.inner.about(), self._factor)

    def close(self) -> None:
        self.inner.close()

    def _add(self, pixels: Array, part: Box, total: Array, box: Box) -> None:
        """Add the pixels of a part of the full size to the sums of the cells of ``box`` that they lie in."""
        first = [a // self._factor for a in part.start]
        sums = pixels
        for axis, (a, b) in enumerate(zip(part.start, part.stop, strict=True)):
            edges = np.arange(first[axis] * self._factor, b, self._factor) - a
            sums = np.add.reduceat(sums, np.maximum(edges, 0), axis=axis, dtype=total.dtype)
        at = Box(tuple(first), tuple(f + n for f, n in zip(first, sums.shape, strict=False)))
        total[at.shifted(-o for o in box.start).slices] += sums

    def _counts(self, box: Box, shape: tuple[int, ...]) -> Array:
        """How many pixels (h, w) the cells of a box have; fewer at a border that cuts them."""
        rows, columns = (
            np.minimum((np.arange(a, b) + 1) * self._factor, n) - np.arange(a, b) * self._factor
            for a, b, n in zip(box.start, box.stop, shape, strict=False)
        )
        return rows[:, None] * columns[None, :]

    def _finished(self, total: Array, counts: Array, dtype: np.dtype[np.generic]) -> Array:
        if self.role == "trimap":
            known = np.where(total == FOREGROUND * counts, FOREGROUND, UNKNOWN)
            return np.where(total == 0, 0, known).astype(dtype)
        counts = counts if total.ndim == 2 else counts[..., None]
        mean = total / counts if total.dtype.kind == "f" else (total + counts // 2) // counts
        return mean.astype(dtype)


def _pieces(box: Box) -> Iterator[Box]:
    """A box cut where the whole picture is cut, so that sums of floats do not depend on the window."""
    corner = tuple(a // PIECE * PIECE for a in box.start)
    for piece in blocks_of(tuple(b - a for a, b in zip(corner, box.stop, strict=True)), (PIECE, PIECE)):
        yield piece.shifted(corner).intersection(box)


def coarser(about: About, factor: int) -> About:
    """What is known of a picture's pixels, of those that stand for ``factor`` x ``factor`` of them."""
    lattice, resolution = about.lattice, about.resolution
    if lattice is not None:
        (y, x), (top, left) = lattice.step, lattice.origin
        half = (factor - 1) / 2
        lattice = replace(lattice, step=(y * factor, x * factor), origin=(top + y * half, left + x * half))
    if resolution is not None:
        resolution = resolution[0] / factor, resolution[1] / factor
    return replace(about, lattice=lattice, resolution=resolution)


def reduced(source: Source, factor: int, role: Role) -> Source:
    """The source at 1/``factor`` of its sides; an image from the smallest level of its file that still holds it."""
    if role != "image":
        return ReducedSource(source, factor, role)
    for level in reversed(source.levels()):
        by = factor_of(shape_of(level), shape_of(source))
        if by is not None and factor % by == 0:
            return level if by == factor else ReducedSource(level, factor // by, role)
    return ReducedSource(source, factor, role)


def plan_of(source: Source, inner: InputPlan) -> InputPlan:
    """How a source is read whose inner one is read as planned: a reduced picture is made once, in the run's store."""
    if not isinstance(source, ReducedSource):
        return inner
    return InputPlan(source.infer({})["pixels"], "streamed", 0, 0, reduced_from=inner)
