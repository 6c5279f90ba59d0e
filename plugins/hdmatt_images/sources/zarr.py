"""zarr: an array at the root of a store or inside one, or a level of an OME-Zarr image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import About
from hdmatt_core.stage import Array
from hdmatt_images import large
from hdmatt_images.faults import reading
from hdmatt_images.header import Header, positive
from hdmatt_images.held import held
from hdmatt_images.identity import files_below, folder_identity
from hdmatt_images.ome import resolution_of
from hdmatt_images.sources.base import PictureSource, described
from hdmatt_images.zarr_plane import METADATA, ZarrPlane


class ZarrSource(PictureSource):
    """A zarr array (v2 or v3) of axes (y, x) or (y, x, c), or (c, y, x), read by chunk; 8 or 16 bits, float or bool.

    ``level`` picks a dataset of an OME-Zarr image (0.1 to 0.5), whose axes t and z must have one element; its scale
    and unit go on into what is written. Labels, plates and stacks are refused.
    """

    suffixes = (".zarr",)

    @classmethod
    def accepts(cls, path: Path, head: bytes) -> bool:
        return path.is_dir() and (path.suffix == ".zarr" or any((path / name).is_file() for name in METADATA))

    def check_path(self) -> None:
        if not self.params.path.is_dir():
            raise UserError(f"{self.params.path}: no such zarr store; check the name")

    @cached_property
    def stored_bytes(self) -> int:
        """Bytes of the store's files, as far as they are listed."""
        return sum(file.size for file in files_below(self.params.path))

    def read_header(self) -> Header:
        plane = self._plane()
        return Header(plane.shape, plane.dtype, plane.bands, plane.unit)

    def read_stored(self, box: Box) -> Array:
        with reading(self.params.path):
            return self._plane().read(box)

    def bands(self) -> Iterator[tuple[Box, Array]]:
        if self.header.whole:
            raise large.whole_only(self.params.path, self.header, "has very large chunks")
        return super().bands()

    def identity(self) -> Mapping[str, str | int]:
        """What the store's files hold, not where it lies, and what it decodes to."""
        return {**folder_identity(self.params.path, always=frozenset(METADATA)), **described(self.header)}

    def about(self) -> About:
        """Where the pixels of an OME-Zarr level lie, as a resolution too if the unit is a length."""
        lattice = self._plane().lattice
        return About(resolution=positive(resolution_of(lattice)), lattice=lattice)

    def level_count(self) -> int:
        return self._plane().levels

    def _plane(self) -> ZarrPlane:
        path, level = self.params.path, self.params.level
        return held(path, f"level {level}", lambda: ZarrPlane.opened(path, level))
