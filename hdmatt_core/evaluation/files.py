"""Mattes in files of any format and size, scored: small ones in memory, large ones by tiles."""

from __future__ import annotations

import math
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import numpy as np
import zarr
from zarr.storage import LocalStore

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import Role, Source
from hdmatt_core.metrics import ArrayPlane, Score, eight_bit, score, score_tiles
from hdmatt_core.metrics.planes import Bytes, Plane
from hdmatt_core.registry import Registry
from hdmatt_core.shards.writing import write_pixels
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Target
from hdmatt_core.storage.layout import create

WHOLE = 1 << 24
"""Pixels up to which mattes are scored in memory, which takes some 60 bytes for each."""
HELD = 1 << 28
"""Bytes that a decoded file may take; what takes more and has no windows is streamed to disk first."""

_NO_CONTEXT = cast("Context", None)  # a source needs none


def open_file(path: Path, role: Role, registry: Registry) -> Source:
    """The source that reads ``path`` as ``role``; UserError if there is no such file, or no format reads it."""
    if not path.exists():
        raise UserError(f"{path}: no such file; check the name")
    found = registry.source_for(path)
    return cast("Source", found.stage(found.stage.Params.model_validate({"path": path.absolute(), "role": role})))


def read(source: Source, box: Box | None = None) -> Array:
    """The pixels of a window (y, x) of a source, or all of them."""
    whole = Box((0, 0), source.infer({})["pixels"].shape[:2])
    return source.run(Block(Target(box or whole), {}, {}, frozenset({"pixels"})), _NO_CONTEXT)["pixels"]


class SourcePlane:
    """A source's grey values, as a plane of 8 bits."""

    def __init__(self, source: Source) -> None:
        height, width = source.infer({})["pixels"].shape[:2]
        self.source, self.shape = source, (height, width)

    def read(self, box: Box) -> Bytes:
        return eight_bit(read(self.source, box))


def score_files(
    prediction: Path, truth: Path, trimap: Path, registry: Registry | None = None, *, whole: int = WHOLE
) -> Score:
    """Score a matte's file against the truth's, in the memory of a few tiles if it has more than ``whole`` pixels.

    Raises UserError for a file that is missing or cannot be read, and where the sizes differ, naming the files.
    """
    registry = registry or Registry.load()
    with ExitStack() as stack:
        planes = []
        for path, role in ((prediction, "matte"), (truth, "matte"), (trimap, "trimap")):
            source = open_file(path, cast("Role", role), registry)
            stack.callback(source.close)
            planes.append(SourcePlane(source))
        _check_sizes({path: plane.shape for path, plane in zip((prediction, truth, trimap), planes, strict=True)})
        if math.prod(planes[0].shape) <= whole:
            every = Box((0, 0), planes[0].shape)
            return score(*(plane.read(every) for plane in planes))
        matte, true, known = (_readable(plane, stack) for plane in planes)
        return score_tiles(matte, true, known)


def _check_sizes(shapes: dict[Path, tuple[int, int]]) -> None:
    if len(set(shapes.values())) > 1:
        told = [f"{path}: {width} x {height} px" for path, (height, width) in shapes.items()]
        raise UserError(f"{next(iter(shapes))}: the matte, its truth and its trimap differ in size", detail=told)


def _readable(plane: SourcePlane, stack: ExitStack) -> Plane:
    """The plane itself, or a copy on disk of one that would have to be held whole and is large."""
    if plane.source.resident_bytes() <= HELD:
        return plane
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hdmatt-evaluate-"))
    spec = ArraySpec(("y", "x"), plane.shape, "uint8")
    array = create(zarr.create_group(LocalStore(folder)), "pixels", spec)
    for box, piece in plane.source.stream():
        write_pixels(array, box, eight_bit(np.asarray(piece)))
    return ArrayPlane(array)
