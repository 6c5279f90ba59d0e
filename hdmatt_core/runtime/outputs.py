"""Writing finished arrays to the files people asked for: never half a file under the final name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import About, Sink
from hdmatt_core.registry import Registry
from hdmatt_core.runtime.space import room
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array

Depth = Literal["8", "16", "float"]
_DEPTHS: dict[str, Depth] = {"uint16": "16", "float32": "float"}


def open_sink(registry: Registry, name: str, path: Path, depth: Depth | None, spec: ArraySpec) -> Sink:
    """The sink for ``path`` by its suffix; without ``depth`` mattes have 8 bits and colours those of the image.

    UserError if no format has the suffix, cannot hold such an array, or the folder cannot be written.
    """
    found = registry.sink_for(path)
    folder = path.absolute().parent
    if not folder.is_dir():
        wrong = "is a file" if folder.exists() else "does not exist"
        raise UserError(f"{path}: the folder {folder} {wrong} (output '{name}')")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{path}: the folder {folder} cannot be written (output '{name}')")
    given = {"path": path, "depth": depth or _natural_depth(spec)}
    sink = cast("Sink", found.stage(found.stage.Params.model_validate(given)))
    sink.check(spec)
    return sink


def _natural_depth(spec: ArraySpec) -> Depth:
    return _DEPTHS.get(spec.dtype, "8") if "c" in spec.dims else "8"


def partial_of(path: Path) -> Path:
    """The name that an unfinished file has, beside the final one and with its suffix."""
    return path.with_name(f".{path.stem}.partial{path.suffix}")


def deliver(sink: Sink, read: Callable[[Box], Array], spec: ArraySpec, about: About) -> None:
    """Write what ``read`` gives of an array of ``spec`` through ``sink`` and give it its final name."""
    path = cast("Sink.Params", sink.params).path
    partial = partial_of(path)
    discard(partial)
    try:
        with room(path):
            sink.write(partial, spec, read, about)
            if path.is_dir():
                discard(path)
            partial.replace(path)
    finally:
        discard(partial)


def replaceable(folder: Path) -> bool:
    """Whether a folder is a zarr store, as outputs are, or empty: no other is ever taken away."""
    marks = ("zarr.json", ".zarray", ".zgroup")
    store = folder.suffix == ".zarr" and any((folder / mark).is_file() for mark in marks)
    return folder.is_symlink() or store or not any(folder.iterdir())


def discard(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
