"""How arrays of pictures are cut in the zarr stores that are written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdmatt_core.geometry import Box, blocks_of

if TYPE_CHECKING:
    import zarr

CHUNK = 512
SHARD = 1024
"""Sides of what one read decodes and of what one file holds: few files, and little memory while one is written."""

LEVEL = 3  # of Zstandard


def shard_of(side: int) -> int:
    """Pixels of a shard along a side of a picture; a small picture has one shard, and small chunks."""
    chunk = min(CHUNK, side)
    return chunk * min(SHARD // CHUNK, -(-side // chunk))


def shards(shape: tuple[int, ...]) -> Iterator[Box]:
    """The shards of a picture of ``shape`` (rows, columns)."""
    return blocks_of(shape, tuple(map(shard_of, shape)))


def create(store: Path, name: str | None, axes: tuple[str, ...], shape: tuple[int, ...], dtype: str) -> zarr.Array[Any]:
    """The empty array ``name`` (None: the store itself) of ``axes``: y, x, and perhaps c, which is not cut."""
    import zarr
    from zarr.codecs import ZstdCodec

    sides = list(zip(axes, shape, strict=True))
    return zarr.create_array(
        str(store),
        name=name,
        shape=shape,
        dtype=dtype,
        chunks=tuple(side if axis == "c" else min(CHUNK, side) for axis, side in sides),
        shards=tuple(side if axis == "c" else shard_of(side) for axis, side in sides),
        compressors=ZstdCodec(level=LEVEL),
        fill_value=0,
        dimension_names=axes,
        zarr_format=3,
        overwrite=True,
    )
