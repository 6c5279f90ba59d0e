"""Scenes as files: one zarr group written shard by shard, or three pictures through any sink."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import zarr
from zarr.storage import LocalStore

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.kinds import About, Sink
from hdmatt_core.registry import Registry
from hdmatt_core.runtime.outputs import discard, partial_of, replaceable
from hdmatt_core.scene.render import Scene
from hdmatt_core.shards.writing import write_pixels
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array
from hdmatt_core.storage.layout import SHARD, create

Advance = Callable[[int], None]
NEIGHBOURS = 4
"""Tiles are drawn by squares of so many a side, so that the strokes of a thing are grown once and then kept."""


def unheard(pixels: int) -> None:
    """Hears of pixels that are written, and does nothing."""


def specs_of(shape: tuple[int, int]) -> dict[str, ArraySpec]:
    """What a scene of ``shape`` (H, W) is written as: ``image`` (H, W, 3), ``trimap`` and ``alpha`` (H, W), uint8."""
    plane = ArraySpec(("y", "x"), shape, "uint8")
    return {"image": ArraySpec(("y", "x", "c"), (*shape, 3), "uint8"), "trimap": plane, "alpha": plane}


def tiles_of(shape: tuple[int, int]) -> Iterator[Box]:
    """The tiles (one shard each) of a picture, square after square of neighbours."""
    side = NEIGHBOURS * SHARD
    for square in blocks_of(shape, (side, side)):
        yield from (tile.shifted(square.start) for tile in blocks_of(square.shape, (SHARD, SHARD)))


def write_zarr(scene: Scene, path: Path, threads: int, advance: Advance = unheard) -> None:
    """Draw ``scene`` into the zarr group ``path`` with the arrays image, trimap and alpha.

    A tile is drawn and written by one thread, so that ``threads`` tiles are held and no more. The group appears under
    its name when it is complete; ``advance`` hears of each tile. UserError where it cannot be written.
    """
    if path.is_dir() and not replaceable(path):
        raise UserError(f"{path}: is a folder that holds other things; give another output")
    partial = partial_of(path)
    discard(partial)
    try:
        arrays = _arrays(scene, partial)

        def draw(box: Box) -> int:
            for array, pixels in zip(arrays, scene.render(box), strict=True):
                write_pixels(array, box, pixels)
            return math.prod(box.shape)

        pool = ThreadPoolExecutor(threads)
        try:
            for pixels in pool.map(draw, tiles_of(scene.shape)):
                advance(pixels)
        finally:
            pool.shutdown(cancel_futures=True)
        discard(path)
        partial.rename(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        discard(partial)


def _arrays(scene: Scene, path: Path) -> list[zarr.Array[Any]]:
    about = {"size": list(scene.shape), "seed": scene.seed, "unknown": scene.unknown, "noise": scene.noise}
    group = zarr.create_group(LocalStore(path), attributes={"scene": {**about, "by": f"hdmatt {version('hdmatt')}"}})
    return [create(group, name, spec) for name, spec in specs_of(scene.shape).items()]


def write_pictures(scene: Scene, folder: Path, suffix: str, advance: Advance = unheard) -> None:
    """Draw ``scene`` into ``folder`` as image, trimap and alpha in the format of ``suffix``.

    Each file is written by itself from top to bottom, so that the scene is drawn three times. UserError for a format
    that is not there, or that cannot hold the size.
    """
    registry = Registry.load()
    folder.mkdir(parents=True, exist_ok=True)
    for name, spec in specs_of(scene.shape).items():
        path = folder / f"{name}{suffix}"
        stage = registry.sink_for(path).stage
        sink = cast("Sink", stage(stage.Params.model_validate({"path": path, "depth": "8"})))
        sink.check(spec)
        partial = partial_of(path)
        try:
            sink.write(partial, spec, _reader(scene, name), About())
            discard(path)
            partial.replace(path)
        finally:
            discard(partial)
        advance(math.prod(scene.shape))


def _reader(scene: Scene, name: str) -> Callable[[Box], Array]:
    """One plane of a box of any size, drawn in pieces: a band of a wide picture is large."""

    def read(box: Box) -> Array:
        spec = specs_of((box.shape[0], box.shape[1]))[name]
        made = np.empty(spec.shape, spec.dtype)
        for piece in blocks_of(box.shape, (SHARD, SHARD)):
            made[piece.slices] = getattr(scene.render(piece.shifted(box.start)), name)
        return made

    return read
