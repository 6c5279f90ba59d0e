"""zarr v3: one array at the root of the store, written shard by shard."""

from __future__ import annotations

from pathlib import Path

from hdmatt_core.kinds import About
from hdmatt_core.spec import ArraySpec
from hdmatt_images.sinks.base import PictureSink, Read
from hdmatt_images.zarr_layout import create, shard_of, shards


class ZarrSink(PictureSink):
    """A zarr v3 array (y, x) or (y, x, c) at the root of the store, 8 or 16 bits or float.

    Chunks of 512 in shards of 1024 pixels, packed with Zstandard; ``zarr.open_array(path)`` reads it. There is no
    place for a profile or a resolution in it; ``.ome.zarr`` has one for the resolution.
    """

    suffixes = (".zarr",)

    def write_bytes(self, spec: ArraySpec) -> int:
        """A shard as read, converted and packed."""
        rows, columns = map(shard_of, spec.shape[:2])
        return self.piece_bytes(spec, rows * columns)

    def write(self, partial: Path, spec: ArraySpec, read: Read, about: About) -> None:
        from hdmatt_core.shards.writing import write_pixels

        array = create(partial, None, spec.dims, spec.shape, self.dtype)
        for box in shards(spec.shape[:2]):
            write_pixels(array, box, self.values(read, box))
