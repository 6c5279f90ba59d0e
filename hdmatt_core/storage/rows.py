"""Rows of arrays over tiles: gathered from anywhere in the picture, stored a block at a time.

zarr takes one to four milliseconds of processor time for a row, however small it is, and a block gathers dozens of
rows from as many shards. Rows that are not compressed lie in their files as they are, so they are read there, and
written there, in a tenth of that or less. Format: zarr v3, sharding codec 1.0 (a table of offsets and lengths at the
end of a shard, and its CRC-32C).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BytesCodec
from zarr.storage import LocalStore

from hdmatt_core.errors import UserError
from hdmatt_core.stage import Array

_ENTRY = 2  # of a shard's table, as uint64: offset and length of a chunk
_SUM = 4  # bytes of the checksum behind the table
_ABSENT = 2**64 - 1  # the offset of a chunk of zeros, which is not stored
_PLAIN = (BytesCodec(endian="little"), BytesCodec(endian=None))  # None: single bytes


def rows_of(array: zarr.Array[Any], slots: Sequence[int]) -> Array:
    """The rows (len(slots), ...) of an array over tiles; zeros where nothing was written."""
    rows = np.zeros((len(slots), *array.shape[1:]), array.dtype)
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
    folder: Path
    per: int

    @classmethod
    def of(cls, array: zarr.Array[Any]) -> _Files | None:
        """None if rows are compressed or cut, or the store is no folder."""
        store, shards = array.store, array.shards
        if not isinstance(store, LocalStore) or sys.byteorder != "little" or array.fill_value != 0:
            return None
        raw = array.serializer in _PLAIN and not (array.compressors or array.filters)
        whole = array.chunks[1:] == array.shape[1:] and (shards is None or array.chunks[0] == 1)
        return cls(array, store.root / array.path, (shards or array.chunks)[0]) if raw and whole else None

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
        """Write file ``number`` in one piece: the bytes of ``rows`` by their places. All zeros are no file."""
        held = {place: row for place, row in rows.items() if row.any()}
        path = self._path(number)
        if not held:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.partial")
        with partial.open("wb") as file:
            for piece in self._pieces(held):
                file.write(piece)
        partial.replace(path)

    def _pieces(self, held: Mapping[int, NDArray[np.uint8]]) -> Iterator[memoryview | bytes]:
        """What a file consists of that holds these rows: the rows, and the table of a shard."""
        size = len(next(iter(held.values())))
        if self.array.shards is None:
            yield from (held[place].data if place in held else bytes(size) for place in range(self.per))
            return
        table = np.full((self.per, _ENTRY), _ABSENT, "<u8")
        table[list(held)] = [(i * size, size) for i in range(len(held))]
        yield from (row.data for row in held.values())
        yield table.tobytes()
        yield google_crc32c.value(table.tobytes()).to_bytes(_SUM, "little")

    def _path(self, number: int) -> Path:
        return self.folder / self.array.metadata.encode_chunk_key((number, *[0] * (self.array.ndim - 1)))

    def _fill(self, file: int, data: NDArray[np.uint8], wanted: Sequence[tuple[int, int]]) -> None:
        """Read into ``data[i]`` the row number ``row`` of an open file, for each (i, row) of ``wanted``."""
        starts = self._starts(file, data.shape[1])
        size = os.fstat(file).st_size
        for i, row in wanted:
            if starts[row] == _ABSENT:
                continue
            if starts[row] + data.shape[1] > size:
                raise self._short()
            os.preadv(file, [data[i]], starts[row])

    def _starts(self, file: int, size: int) -> list[int]:
        """Where in an open file each of its rows of ``size`` bytes begins."""
        if self.array.shards is None:
            return [row * size for row in range(self.per)]
        length = self.per * _ENTRY * 8
        end = os.fstat(file).st_size - length - _SUM
        if end < 0:
            raise self._short()
        starts: list[int] = np.frombuffer(os.pread(file, length, end), "<u8")[::_ENTRY].tolist()
        return starts

    def _short(self) -> UserError:
        return UserError(f"{self.folder}: a file of the run's store is cut short; start anew with --overwrite")


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
