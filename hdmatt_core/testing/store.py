"""A zarr store that raises when pixels are read, to prove that planning and resuming read none."""

from __future__ import annotations

from collections.abc import Iterable

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import WrapperStore

METADATA = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")


class ReadError(AssertionError):
    """Pixels were read that were not to be read; the message names the key."""


class RaisingStore(WrapperStore[Store]):
    """A store around another whose metadata can be read and whose chunks cannot."""

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        _refuse(key)
        return await super().get(key, prototype, byte_range)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        asked = list(key_ranges)
        for key, _ in asked:
            _refuse(key)
        return await super().get_partial_values(prototype, asked)


def _refuse(key: str) -> None:
    if key.rsplit("/", 1)[-1] not in METADATA:
        raise ReadError(f"'{key}' was read")
