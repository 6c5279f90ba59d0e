"""zarr v3: one array at the root of the store, written shard by shard."""

from __future__ import annotations

from pathlib import Path

from hdmatt_core.geometry import blocks_of
from hdmatt_core.kinds import About
from hdmatt_core.spec import ArraySpec
from hdmatt_images.sinks.base import PictureSink, Read

CHUNK = 512
PER_SHARD = 4
"""Chunks along a side of a shard: one file holds 2048 x 2048 pixels."""

Side = tuple[int, int]


class ZarrSink(PictureSink):
    """A zarr v3 array (y, x) or (y, x, c) at the root of the store, 8 or 16 bits or float.

    Chunks of 512 in shards of 2048 pixels, packed with Zstandard; ``zarr.open_array(path)`` reads it. There is no
    place for a profile or a resolution in it.
    """

    suffixes = (".zarr",)

    def write_bytes(self, spec: ArraySpec) -> int:
        """A shard as read, converted and packed."""
        rows, columns = layout(spec)[1]
        return self.piece_bytes(spec, rows * columns)

    def write(self, partial: Path, spec: ArraySpec, read: Read, about: About) -> None:
        import zarr
        from zarr.codecs import ZstdCodec

        (chunk, shard), rest = layout(spec), spec.shape[2:]
        array = zarr.create_array(
            str(partial),
            shape=spec.shape,
            dtype=self.dtype,
            chunks=(*chunk, *rest),
            shards=(*shard, *rest),
            compressors=ZstdCodec(level=3),
            fill_value=0,
            dimension_names=spec.dims,
            zarr_format=3,
            overwrite=True,
        )
        for box in blocks_of(spec.shape[:2], shard):
            array[box.slices] = self.values(read, box)


def layout(spec: ArraySpec) -> tuple[Side, Side]:
    """Rows and columns of a chunk and of a shard; a small picture has small ones."""
    chunk = (min(CHUNK, spec.shape[0]), min(CHUNK, spec.shape[1]))
    rows, columns = (
        side * min(PER_SHARD, -(-whole // side)) for side, whole in zip(chunk, spec.shape[:2], strict=True)
    )
    return chunk, (rows, columns)
