"""What all sources share: a header, a way to read stored windows, the rules, and the orientation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import About, Source
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Specs, Target
from hdmatt_images import large, orientation
from hdmatt_images.faults import check_bomb, check_shape, file_size
from hdmatt_images.header import Header
from hdmatt_images.held import held, release
from hdmatt_images.identity import file_identity
from hdmatt_images.rules import GREY_BYTES, Place, as_role


class PictureSource(Source, ABC):
    """A picture file. A format says how its header and its stored windows are read."""

    magic: ClassVar[tuple[bytes, ...]] = ()
    params: Source.Params

    @classmethod
    def accepts(cls, path: Path, head: bytes) -> bool:
        """Whether the content begins as files of this format do, whatever the file is called."""
        return head.startswith(cls.magic)

    @abstractmethod
    def read_header(self) -> Header:
        """Size, kind, orientation, profile; no pixel is decoded. UserError for a file that cannot be read."""

    @abstractmethod
    def read_stored(self, box: Box) -> Array:
        """The pixels (y, x, c) of a window of the stored picture, with the header's dtype and bands."""

    def check_path(self) -> None:
        """UserError if the file is missing, a folder or empty."""
        file_size(self.params.path)

    @cached_property
    def stored_bytes(self) -> int:
        """Bytes of the file."""
        return file_size(self.params.path)

    @cached_property
    def header(self) -> Header:
        """What :meth:`read_header` gave, checked; read once."""
        self.check_path()
        header = self.read_header()
        check_shape(self.params.path, header.shape)
        if header.whole:
            check_bomb(self.params.path, header.nbytes, self.stored_bytes)
        return header

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        """The displayed picture: (y, x, c=3) in its own depth, or (y, x) for a trimap (uint8), mask or matte."""
        header = self.header
        if self.params.role == "image":
            return {"pixels": ArraySpec(("y", "x", "c"), (*header.displayed_shape, 3), header.dtype)}
        dtype = "uint8" if self.params.role == "trimap" else header.dtype
        return {"pixels": ArraySpec(("y", "x"), header.displayed_shape, dtype)}

    def scratch(self, target: Target, specs: Specs) -> int:
        """The window as stored, what the rules compute on it, and a piece of the file while it is decoded."""
        height, width = target.box.shape
        window = height * width * (2 * self.header.pixel_bytes + 16)
        return window if self.header.once else window + self.header.unit + self.header.decoding

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        """The window ``block.target.box`` (y, x) of the displayed picture."""
        box, header = block.target.box, self.header
        window = self._stored(orientation.stored_box(box, header.shape, header.orientation))
        return {"pixels": self._displayed(window, box)}

    def stream(self) -> Iterator[tuple[Box, Array]]:
        """The displayed picture in bands of 1024 stored rows, each with its box; nothing else is held."""
        header = self.header
        for stored, window in self.bands():
            box = orientation.displayed_box(stored, header.shape, header.orientation)
            yield box, self._displayed(window, box)

    def stream_bytes(self) -> int:
        """A stored band as it is decoded and as it is handed on, and what becomes of its colours for a trimap."""
        header, role = self.header, self.params.role
        grey = 0 if role == "image" else GREY_BYTES
        return large.BAND * header.shape[1] * (2 * header.pixel_bytes + grey)

    def bands(self) -> Iterator[tuple[Box, Array]]:
        """Stored windows (y, x, c) of 1024 rows from top to bottom; through libvips where only the whole decodes."""
        if self.header.whole:
            return large.bands(self.params.path, self.header)
        return ((box, self.read_stored(box)) for box in large.boxes(self.header.shape))

    def resident_bytes(self) -> int:
        """Bytes of the decoded picture if it is held whole, and those taken while it is decoded; else 0."""
        return self.header.nbytes + self.header.decoding if self.header.once else 0

    def identity(self) -> Mapping[str, str | int]:
        """What the file holds, not what it is called, and what it decodes to."""
        return {**file_identity(self.params.path), **described(self.header)}

    def about(self) -> About:
        """The ICC profile of RGB colours, and the resolution as displayed."""
        header = self.header
        resolution = header.resolution
        if resolution is not None and orientation.transposed(header.orientation):
            resolution = resolution[::-1]
        return About(icc=header.icc, resolution=resolution)

    def levels(self) -> tuple[Source, ...]:
        """The levels of a pyramid above the one that is read."""
        above = range(self.params.level + 1, self.level_count())
        return tuple(type(self)(self.params.model_copy(update={"level": level})) for level in above)

    def level_count(self) -> int:
        """Levels in the file; those of a format without pyramids are one."""
        return 1

    def close(self) -> None:
        """Let go of the decoded pixels and the open file; reading again opens it anew."""
        release(self.params.path)

    def only_level(self) -> None:
        """UserError if another pyramid level than 0 is asked of a format that has none."""
        if self.params.level:
            raise UserError(f"{self.params.path}: has no level {self.params.level}, only level 0; leave level out")

    def _stored(self, box: Box) -> Array:
        header = self.header
        if not header.once:
            return self.read_stored(box)
        pixels = held(self.params.path, f"pixels of level {self.params.level}", self._decoded)
        return pixels[box.slices]

    def _decoded(self) -> Array:
        return np.ascontiguousarray(self.read_stored(Box((0, 0), self.header.shape)))

    def _displayed(self, window: Array, box: Box) -> Array:
        place = Place(self.params.path, box)
        return as_role(orientation.displayed(window, self.header.orientation), self.params.role, place)


def described(header: Header) -> dict[str, str | int]:
    """What a picture decodes to, for its identity."""
    height, width = header.displayed_shape
    return {"shape": f"{height} x {width}", "dtype": header.dtype, "bands": header.bands}
