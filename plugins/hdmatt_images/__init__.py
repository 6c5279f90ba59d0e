"""Picture files as stages: sources and sinks for PNG, JPEG, TIFF, zarr and OME-Zarr, and sources for WebP, BMP and GIF.

How files are read is stated in :mod:`hdmatt_images.rules`. Everything comes in through the project's one hook.
"""

from __future__ import annotations

from hdmatt_core.hooks import hookimpl
from hdmatt_core.stage import StageType
from hdmatt_images.held import release
from hdmatt_images.sinks.jpeg import JpegSink
from hdmatt_images.sinks.ome import OmeZarrSink
from hdmatt_images.sinks.png import PngSink
from hdmatt_images.sinks.tiff import TiffSink
from hdmatt_images.sinks.zarr import ZarrSink
from hdmatt_images.sources.jpeg import JpegSource
from hdmatt_images.sources.pillow import PillowSource
from hdmatt_images.sources.png import PngSource
from hdmatt_images.sources.tiff import TiffSource
from hdmatt_images.sources.zarr import ZarrSource

__all__ = ["hdmatt_stages", "release"]

_STAGES = {
    "source.png": PngSource,
    "source.jpeg": JpegSource,
    "source.tiff": TiffSource,
    "source.zarr": ZarrSource,
    "source.image": PillowSource,
    "sink.png": PngSink,
    "sink.jpeg": JpegSink,
    "sink.tiff": TiffSink,
    "sink.zarr": ZarrSink,
    "sink.ome": OmeZarrSink,
}


@hookimpl
def hdmatt_stages() -> list[StageType]:
    """The sources and sinks of picture files."""
    return [StageType(name, stage, api=1) for name, stage in _STAGES.items()]
