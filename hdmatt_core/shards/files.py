"""A file of zarr v3 written past zarr, in one piece: there is a whole one under its name, or none.

Format: sharding codec 1.0, the chunks one after the other, then a table of offsets and lengths and its CRC-32C.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import google_crc32c
import numpy as np
import zarr
from zarr.codecs import BytesCodec
from zarr.storage import LocalStore

Chunk: TypeAlias = bytes | bytearray | memoryview

ENTRY = 2  # of the table, as uint64: offset and length of a chunk
SUM = 4  # bytes of the checksum behind the table
ABSENT = 2**64 - 1  # the offset of a chunk of zeros, which is not stored

_PLAIN = (BytesCodec(endian="little"), BytesCodec(endian=None))  # None: single bytes


def in_files(array: zarr.Array[Any]) -> bool:
    """Whether an array's chunks lie in files, packed or as they are in memory here, and those of zeros nowhere."""
    plain = array.serializer in _PLAIN and not array.filters and sys.byteorder == "little"
    return plain and isinstance(array.store, LocalStore) and array.fill_value == 0


def file_of(array: zarr.Array[Any], index: tuple[int, ...]) -> Path:
    """Where the shard (or the chunk, without shards) of this index lies, or would lie."""
    return folder_of(array) / array.metadata.encode_chunk_key((*index, *[0] * (array.ndim - len(index))))


def folder_of(array: zarr.Array[Any]) -> Path:
    """Where an array lies; TypeError if its store is no folder."""
    if not isinstance(array.store, LocalStore):
        raise TypeError(f"{array.store} is not a folder")
    return array.store.root / array.path


def write_file(path: Path, chunks: Mapping[int, Chunk], shard: int | None) -> None:
    """Write a shard of so many chunks, of which those of ``chunks`` are not zeros, or, of no shard, the one chunk.

    Of zeros alone there is no file; any other has its name from when it is whole.
    """
    if not chunks:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # A worker that was given up may still write the same: each has a name of its own.
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    pieces: Iterable[Chunk] = chunks.values() if shard is None else _shard(shard, chunks)
    try:
        with partial.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)  # on a full disk every byte is wanted
        raise


def _shard(count: int, chunks: Mapping[int, Chunk]) -> Iterator[Chunk]:
    table = np.full((count, ENTRY), ABSENT, "<u8")
    offset = 0
    for number, chunk in chunks.items():
        size = memoryview(chunk).nbytes
        table[number] = offset, size
        offset += size
        yield chunk
    yield table.tobytes()
    yield google_crc32c.value(table.tobytes()).to_bytes(SUM, "little")
