"""Trimaps and masks of lower resolution than the image: each of their pixels stands for a square of the image's."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from hdmatt_core.errors import HdmattWarning
from hdmatt_core.geometry import Box, blocks_of, factor_of
from hdmatt_core.kinds import Role, Source
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Specs, Target

BAND = 1024
"""Rows of the image in one piece of a stream."""

Shape = tuple[int, int]


class EnlargedSource(Source):
    """A source of which every pixel stands for ``factor`` x ``factor`` pixels of an image of ``shape`` (H, W)."""

    def __init__(self, inner: Source, shape: Shape, factor: int) -> None:
        super().__init__(inner.params)
        self._inner, self._shape, self._factor = inner, shape, factor

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        spec = self._inner.infer(specs)["pixels"]
        return {"pixels": ArraySpec(spec.dims, self._shape, spec.dtype)}

    def scratch(self, target: Target, specs: Specs) -> int:
        """What reading the pixels under the window takes, and the window before it is cut."""
        under = self._under(target.box)
        itemsize = np.dtype(self._inner.infer(specs)["pixels"].dtype).itemsize
        return self._inner.scratch(Target(under), specs) + under.shape[0] * under.shape[1] * self._factor**2 * itemsize

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        """The window ``block.target.box`` (y, x), each pixel the one that it lies in."""
        box = block.target.box
        under = self._under(box)
        piece = self._inner.run(Block(Target(under), {}, {}, block.wanted), context)["pixels"]
        return {"pixels": self._cut(piece, under, box)}

    def resident_bytes(self) -> int:
        return self._inner.resident_bytes()

    def stream(self) -> Iterator[tuple[Box, Array]]:
        """The inner source's pieces, in bands of the image that are no larger than any other source's."""
        for under, piece in self._inner.stream():
            whole = self._over(under)
            for band in blocks_of(whole.shape, (BAND, whole.shape[1])):
                box = band.shifted(whole.start)
                part = self._under(box)
                rows = piece[part.start[0] - under.start[0] : part.stop[0] - under.start[0]]
                yield box, self._cut(rows, part, box)

    def identity(self) -> Mapping[str, str | int]:
        return {**self._inner.identity(), "enlarged": self._factor}

    def close(self) -> None:
        self._inner.close()

    def _under(self, box: Box) -> Box:
        """The inner pixels that a box of the image touches."""
        factor = self._factor
        return Box(tuple(a // factor for a in box.start), tuple(-(-b // factor) for b in box.stop))

    def _over(self, under: Box) -> Box:
        """The box of the image that inner pixels stand for."""
        factor = self._factor
        over = Box(tuple(a * factor for a in under.start), tuple(b * factor for b in under.stop))
        return over.within(self._shape)

    def _cut(self, piece: Array, under: Box, box: Box) -> Array:
        """The pixels of ``box`` from those of ``under``; one axis after the other, since the rows repeat whole."""
        rows, columns = (
            np.arange(a, b) // self._factor - first
            for a, b, first in zip(box.start, box.stop, under.start, strict=True)
        )
        return np.ascontiguousarray(piece.take(columns, axis=1).take(rows, axis=0))


def at_the_images_size(sources: Mapping[str, Source], roles: Mapping[str, Role]) -> dict[str, Source]:
    """The sources, trimaps and masks that are an integer factor smaller than the image enlarged, with a warning.

    Whatever does not fit is left as it is, for the stage that meets both sizes to refuse.
    """
    images = [source for name, source in sources.items() if roles[name] == "image"]
    if len(images) != 1:
        return dict(sources)
    image = shape_of(images[0])
    return {n: _matched(n, s, image) if roles[n] in ("trimap", "mask") else s for n, s in sources.items()}


def _matched(name: str, source: Source, image: Shape) -> Source:
    shape = shape_of(source)
    factor = factor_of(shape, image)
    if factor is None or factor == 1:
        return source
    warnings.warn(
        f"{name}: has {shape[1]} x {shape[0]} pixels, the image {image[1]} x {image[0]}; "
        f"each pixel of it stands for {factor} x {factor} of the image's",
        HdmattWarning,
        stacklevel=2,
    )
    return EnlargedSource(source, image, factor)


def shape_of(source: Source) -> Shape:
    """Rows and columns of what a source reads."""
    height, width = source.infer({})["pixels"].shape[:2]
    return height, width
