"""Chunks and shards of zarr v3 arrays, read and written past zarr where that is several times as fast."""
