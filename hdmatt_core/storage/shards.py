"""Pixels written a shard at a time, past zarr, which takes some 20 ms of processor time for a megapixel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
import zarr
from zarr.codecs import ZstdCodec

from hdmatt_core.geometry import Box
from hdmatt_core.stage import Array
from hdmatt_core.storage.shard_file import file_of, in_files, write_file


def write_shard(array: zarr.Array[Any], box: Box, pixels: Array) -> None:
    """Write the shard that ``box`` is; chunks of zeros are not stored, and most of a matte is zeros."""
    codec = array.compressors[0] if len(array.compressors) == 1 else None
    if not in_files(array) or not isinstance(codec, ZstdCodec) or codec.checksum:
        array[box.slices] = pixels
        return
    sides = array.shards or array.chunks
    chunks = {number: imagecodecs.zstd_encode(chunk, codec.level) for number, chunk in _chunks(array, pixels)}
    index = tuple(start // side for start, side in zip(box.start, sides, strict=False))
    count = math.prod(side // chunk for side, chunk in zip(sides, array.chunks, strict=True))
    write_file(file_of(array, index), chunks, count if array.shards else None)


def _chunks(array: zarr.Array[Any], pixels: Array) -> Iterator[tuple[int, bytes]]:
    """The chunks of a shard that are not zeros, by number; beyond the border of the picture they hold zeros."""
    height, width, *_ = array.chunks
    in_row = (array.shards or array.chunks)[1] // width
    for row in range(-(-pixels.shape[0] // height)):
        band = pixels[row * height : (row + 1) * height]
        for column in range(-(-pixels.shape[1] // width)):
            piece = band[:, column * width : (column + 1) * width]
            if not piece.any():
                continue
            chunk = np.zeros(array.chunks, array.dtype)
            chunk[: piece.shape[0], : piece.shape[1]] = piece
            yield row * in_row + column, chunk.tobytes()
