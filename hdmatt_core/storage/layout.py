"""Every choice of chunk, shard, codec and fill value, in one place.

One task owns a whole shard, so that no two tasks ever write one file. An array over tiles has one shard per block
of the grid and one chunk per tile; an array of pixels has square shards of square chunks.
"""

from __future__ import annotations

from typing import Any

import zarr
from zarr.codecs import ZstdCodec

from hdmatt_core.spec import ArraySpec

SHARD = 1024
"""Side of a pixel shard: a result block of a megapixel, small beside any budget, large beside a file's cost."""
CHUNK = 256
SMALL_ROW = 4096
"""Bytes under which the rows of a block share one chunk: a table is not worth a chunk per tile."""


def shard_shape(spec: ArraySpec) -> tuple[int, ...]:
    """The piece of the array that one task writes."""
    if spec.over_tiles:
        if spec.grid is None:
            raise ValueError(f"an array over tiles needs its grid: {spec}")
        return (spec.grid.block, *spec.shape[1:])
    sides = (min(SHARD, -(-side // chunk) * chunk) for side, chunk in zip(spec.shape[:2], _chunk(spec), strict=True))
    return (*sides, *spec.shape[2:])


def chunk_shape(spec: ArraySpec) -> tuple[int, ...]:
    """The piece of the array that one read decodes."""
    if spec.over_tiles:
        shard = shard_shape(spec)
        return shard if spec.row_bytes <= SMALL_ROW else (1, *shard[1:])
    return (*_chunk(spec), *spec.shape[2:])


def _chunk(spec: ArraySpec) -> tuple[int, int]:
    """Rows and columns of a chunk of pixels; a smaller array is one."""
    return min(CHUNK, spec.shape[0]), min(CHUNK, spec.shape[1])


def create(group: zarr.Group, name: str, spec: ArraySpec) -> zarr.Array[Any]:
    """Create the empty array ``name`` of ``spec``."""
    chunks, shards = chunk_shape(spec), shard_shape(spec)
    return group.create_array(
        name,
        shape=spec.shape,
        dtype=spec.dtype,
        chunks=chunks,
        shards=None if shards == chunks else shards,
        # Rows are read one by one, straight from their files; zstd halves a matte at best and gains little of features.
        compressors=None if spec.over_tiles else ZstdCodec(level=1),
        fill_value=0,
        dimension_names=spec.dims,
    )
