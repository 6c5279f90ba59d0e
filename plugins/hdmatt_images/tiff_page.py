"""One picture of a TIFF file, read by window through its strips or tiles (TIFF 6.0, sections 3 and 15)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array
from hdmatt_images import orientation
from hdmatt_images.faults import damaged
from hdmatt_images.tiff_size import resolution


class TiffPage:
    """An open TIFF file at one of its pages; several threads may read from it."""

    def __init__(self, path: Path, select: Callable[[Any], Any]) -> None:
        """``select`` gives the page of a ``tifffile.TiffFile``."""
        import tifffile

        self.path = path
        self._lock = threading.Lock()
        self._file = tifffile.TiffFile(path)
        try:
            self.tags = select(self._file)
        except BaseException:
            self.close()
            raise

    @classmethod
    def of_level(cls, path: Path, level: int) -> TiffPage:
        """A level of the file's first picture; UserError if it has no such level, or is a stack of pictures."""
        return cls(path, lambda file: _level(path, file, level))

    @property
    def level_count(self) -> int:
        """Levels of the file's first picture."""
        return len(self._file.series[0].levels)

    @property
    def shape(self) -> tuple[int, int]:
        """Stored rows and columns."""
        return int(self.tags.imagelength), int(self.tags.imagewidth)

    @property
    def unit(self) -> int:
        """Pixels in a strip or tile; 0 where the rows lie plainly in the file."""
        height, width = self._piece
        return 0 if self._plain else min(height, self.shape[0]) * min(width, self.shape[1])

    @property
    def strips(self) -> bool:
        """Whether the pieces are packed and as wide as the picture, or wider."""
        return not self._plain and self._piece[1] >= self.shape[1]

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel with all its samples, as decoded."""
        return int(self.tags.samplesperpixel) * (self.tags.dtype.itemsize if self.tags.dtype is not None else 1)

    @property
    def orientation(self) -> int:
        tag = self.tags.tags.get(274)
        return orientation.known(int(tag.value) if tag is not None and isinstance(tag.value, int) else None)

    @property
    def resolution(self) -> tuple[float, float] | None:
        """Pixels per inch along stored x, then y."""
        return resolution(self._file, self.tags)

    def check_complete(self) -> None:
        """UserError if a strip or tile lies beyond the end of the file."""
        ends = (o + n for o, n in zip(self.tags.dataoffsets, self.tags.databytecounts, strict=False))
        if max(ends, default=0) > self._file.filehandle.size or not self.tags.dataoffsets:
            raise damaged(self.path, "the TIFF ends before its pixels do")

    def read(self, box: Box) -> Array:
        """The samples (y, x, s) of a stored window, as they are stored."""
        if self._plain:
            return self._rows(box)
        window = np.zeros((*box.shape, self.tags.samplesperpixel), self.tags.dtype)
        for index in self._touched(box):
            self._paste(window, box, index)
        return window

    def close(self) -> None:
        self._file.close()

    @property
    def _planes(self) -> int:
        return int(self.tags.samplesperpixel) if self.tags.planarconfig == 2 else 1

    @property
    def _plain(self) -> bool:
        bits_are_whole = self.tags.dtype is not None and self.tags.bitspersample == 8 * self.tags.dtype.itemsize
        return bool(self.tags.is_final and bits_are_whole and self._planes == 1)

    @property
    def _piece(self) -> tuple[int, int]:
        """Rows and columns of a strip or tile."""
        if self.tags.is_tiled:
            return int(self.tags.tilelength), int(self.tags.tilewidth)
        return min(int(self.tags.rowsperstrip), self.shape[0]), self.shape[1]

    def _touched(self, box: Box) -> Iterator[int]:
        rows, columns = (
            range(start // side, -(-stop // side))
            for start, stop, side in zip(box.start, box.stop, self._piece, strict=True)
        )
        per_row, per_column = (-(-n // side) for n, side in zip(self.shape[::-1], self._piece[::-1], strict=True))
        for plane in range(self._planes):
            for row in rows:
                for column in columns:
                    yield (plane * per_column + row) * per_row + column

    def _paste(self, window: Array, box: Box, index: int) -> None:
        offset, count = self.tags.dataoffsets[index], self.tags.databytecounts[index]
        data = self._bytes(offset, count) if count else None  # a sparse file leaves out what is zero
        piece, (plane, _, y, x, _), shape = self.tags.decode(
            data, index, jpegtables=self.tags.jpegtables, jpegheader=self.tags.jpegheader
        )
        if piece is None:
            return
        here = Box((y, x), (y + shape[1], x + shape[2])).within(self.shape)
        common = here.intersection(box)
        source = piece[0][common.shifted((-y, -x)).slices]
        target = window[common.shifted(-s for s in box.start).slices]
        if self._planes > 1:
            target[..., plane] = source[..., 0]
        else:
            target[...] = source

    def _rows(self, box: Box) -> Array:
        dtype = self.tags.dtype.newbyteorder(self._file.byteorder)
        pixel = dtype.itemsize * self.tags.samplesperpixel
        height, width = box.shape
        first = self.tags.dataoffsets[0] + (box.start[0] * self.shape[1] + box.start[1]) * pixel
        rows = (self._bytes(first + row * self.shape[1] * pixel, width * pixel) for row in range(height))
        data = np.frombuffer(b"".join(rows), dtype)
        return data.reshape(height, width, -1).astype(dtype.newbyteorder("="), copy=False)

    def _bytes(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._file.filehandle.seek(offset)
            data: bytes = self._file.filehandle.read(count)
        if len(data) < count:
            raise damaged(self.path, "the TIFF ends before its pixels do")
        return data


def _level(path: Path, file: Any, level: int) -> Any:
    levels = file.series[0].levels
    if not 0 <= level < len(levels):
        raise UserError(f"{path}: has no level {level}, only 0 to {len(levels) - 1}; choose one of them")
    page = levels[level].pages[0].aspage()
    count = levels[level].size // page.size * page.imagedepth
    if count > 1:
        raise UserError(f"{path}: is a stack of {count} pictures; save the one you want as a file of its own")
    return page
