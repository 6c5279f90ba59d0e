"""Rows of arrays over tiles: gathered from anywhere in the picture, stored a block at a time.

zarr takes one to four milliseconds of processor time for a row, however small it is, and a block gathers dozens of
rows from as many shards. Rows that are not compressed lie in their files as they are, so they are read there, and
written there, in a tenth of that or less.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.shards.files import ABSENT, ENTRY, SUM, file_of, folder_of, in_files, write_file
from hdmatt_core.stage import Array


def rows_of(array: zarr.Array[Any], slots: Sequence[int]) -> Array:
    """The rows (len(slots), ...) of an array over tiles; zeros where nothing was written."""
    return _filled(array, slots, np.zeros((len(slots), *array.shape[1:]), array.dtype))


def table_of(array: zarr.Array[Any]) -> Array:
    """All rows of an array over tiles; those that are not stored take no memory, and others a page or two."""
    if not array.nbytes:
        return _filled(array, range(array.shape[0]), np.zeros(array.shape, array.dtype))
    pages = mmap.mmap(-1, array.nbytes)
    if huge := getattr(mmap, "MADV_NOHUGEPAGE", None):
        pages.madvise(huge)  # in pages of two megabytes, which numpy asks for, every row would take one
    return _filled(array, range(array.shape[0]), np.frombuffer(pages, array.dtype).reshape(array.shape))


def _filled(array: zarr.Array[Any], slots: Sequence[int], rows: Array) -> Array:
    files = _Files.of(array)
    if files is not None:
        files.fill(rows, slots)
        return rows
    for first, last in _neighbours(slots):
        rows[first:last] = array[slots[first] : slots[last - 1] + 1]
    return rows


def store_rows(array: zarr.Array[Any], block: slice, slots: Sequence[int], rows: Array) -> None:
    """Store the shards of the slots ``block``: ``rows`` (len(slots), ...) of ``slots``, and zeros in all others."""
    files = _Files.of(array)
    if files is None:
        shard = np.zeros((block.stop - block.start, *array.shape[1:]), array.dtype)
        shard[[slot - block.start for slot in slots]] = rows
        array[block] = shard
        return
    given = dict(zip(slots, _bytes(np.ascontiguousarray(rows, array.dtype)), strict=True))
    for first in range(block.start, block.stop, files.per):
        places = range(min(files.per, block.stop - first))
        files.store(first // files.per, {i: given[first + i] for i in places if first + i in given})


@dataclass(frozen=True)
class _Files:
    """The files of an array whose rows lie in them as they are, ``per`` rows in each."""

    array: zarr.Array[Any]
    per: int

    @classmethod
    def of(cls, array: zarr.Array[Any]) -> _Files | None:
        """None if rows are compressed or cut, or the store is no folder."""
        shards = array.shards
        raw = in_files(array) and not array.compressors
        whole = array.chunks[1:] == array.shape[1:] and (shards is None or array.chunks[0] == 1)
        return cls(array, (shards or array.chunks)[0]) if raw and whole else None

    def fill(self, rows: Array, slots: Sequence[int]) -> None:
        """Read the rows of ``slots`` into ``rows``; those that are not stored stay as they are."""
        data = _bytes(rows)
        for number, at in groupby(range(len(slots)), key=lambda i: slots[i] // self.per):
            try:
                file = os.open(self._path(number), os.O_RDONLY)
            except FileNotFoundError:
                continue  # nothing but zeros
            try:
                self._fill(file, data, [(i, slots[i] - number * self.per) for i in at])
            finally:
                os.close(file)

    def store(self, number: int, rows: Mapping[int, NDArray[np.uint8]]) -> None:
        """Write file ``number``: the bytes of ``rows`` by their places, zeros elsewhere."""
        held = {place: row.data for place, row in rows.items() if row.any()}
        if held and self.array.shards is None:
            nothing = memoryview(bytes(next(iter(held.values())).nbytes))
            held = {place: held.get(place, nothing) for place in range(self.per)}
        write_file(self._path(number), held, self.per if self.array.shards else None)

    def _path(self, number: int) -> Path:
        return file_of(self.array, (number,))

    def _fill(self, file: int, data: NDArray[np.uint8], wanted: Sequence[tuple[int, int]]) -> None:
        """Read into ``data[i]`` the row number ``row`` of an open file, for each (i, row) of ``wanted``."""
        starts = self._starts(file, data.shape[1])
        size = os.fstat(file).st_size
        for i, row in wanted:
            if starts[row] == ABSENT:
                continue
            if starts[row] + data.shape[1] > size:
                raise self._short()
            os.preadv(file, [data[i]], starts[row])

    def _starts(self, file: int, size: int) -> list[int]:
        """Where in an open file each of its rows of ``size`` bytes begins."""
        if self.array.shards is None:
            return [row * size for row in range(self.per)]
        length = self.per * ENTRY * 8
        end = os.fstat(file).st_size - length - SUM
        if end < 0:
            raise self._short()
        starts: list[int] = np.frombuffer(os.pread(file, length, end), "<u8")[::ENTRY].tolist()
        return starts

    def _short(self) -> UserError:
        return UserError(
            f"{folder_of(self.array)}: a file of the run's store is cut short; start anew with --overwrite"
        )


def _bytes(rows: Array) -> NDArray[np.uint8]:
    """The same rows (n, ...) as bytes (n, bytes of a row)."""
    return rows.reshape(len(rows), -1).view(np.uint8) if rows.size else np.zeros((len(rows), 0), np.uint8)


def _neighbours(slots: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of positions in ``slots`` that hold consecutive numbers."""
    first = 0
    for i in range(1, len(slots) + 1):
        if i == len(slots) or slots[i] != slots[i - 1] + 1:
            yield first, i
            first = i
