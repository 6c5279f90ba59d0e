"""Opening inputs: which source reads a file, arrays as sources, and streaming what cannot be held whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.kinds import Role, Source
from hdmatt_core.nn.regions import trimap_classes
from hdmatt_core.pipeline.document import Document
from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.pipeline.inputs import InputPlan, Reading
from hdmatt_core.pipeline.sources import open_source
from hdmatt_core.registry import Registry
from hdmatt_core.runtime.fingerprint import content_of
from hdmatt_core.runtime.reduced import ReducedSource
from hdmatt_core.runtime.workspace import name_of
from hdmatt_core.shards.writing import write_pixels
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Target
from hdmatt_core.storage.layout import SHARD, create
from hdmatt_core.storage.served import SIZE, Served
from hdmatt_core.storage.store import RunStore, array_of, open_arrays

TRIMAP_VALUES = np.array([0, 128, 255], np.uint8)
"""Background, unknown, foreground: the order of `hdmatt_core.nn.regions`."""
TYPICAL_WINDOW = 1280
"""Side of the window of a full block of tiles, for what a source takes to read it."""


class ArraySource(Source):
    """An array handed over in Python, numpy or zarr: image (H, W), (H, W, 3 or 4), trimap (H, W); read by window."""

    def __init__(self, array: Any, role: Role) -> None:
        super().__init__(Source.Params(path=Path("array"), role=role))
        self._array, self._role = array, role
        _check_array(array, role)

    def infer(self, specs: Mapping[str, ArraySpec]) -> dict[str, ArraySpec]:
        height, width = self._array.shape[:2]
        if self._role == "image":
            return {"pixels": ArraySpec(("y", "x", "c"), (height, width, 3), str(self._array.dtype))}
        return {"pixels": ArraySpec(("y", "x"), (height, width), str(self._array.dtype))}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        return {"pixels": _as_role(np.asarray(self._array[block.target.box.slices]), self._role)}

    def resident_bytes(self) -> int:
        return int(self._array.nbytes) if isinstance(self._array, np.ndarray) else 0

    def stream(self) -> Iterator[tuple[Box, Array]]:
        for box in blocks_of(self._array.shape[:2], (SHARD, SHARD)):
            yield box, _as_role(np.asarray(self._array[box.slices]), self._role)

    def identity(self) -> dict[str, str | int]:
        digest = hashlib.blake2b(digest_size=16)
        for _, piece in self.stream():
            digest.update(piece.tobytes())
        return {"shape": str(self._array.shape), "digest": digest.hexdigest()}


def _check_array(array: Any, role: Role) -> None:
    try:
        shape, dtype = tuple(array.shape), np.dtype(array.dtype)
    except (AttributeError, TypeError):
        raise UserError(f"{role}: is {type(array).__name__}; give a path, or an array of numpy or zarr") from None
    if role == "image":
        fits = len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))
        if not fits or dtype not in (np.uint8, np.uint16, np.float32):
            raise UserError(
                f"image: an array of shape {shape} and dtype {dtype} is no image; "
                "give (H, W), (H, W, 3) or (H, W, 4) in uint8, uint16 or float32"
            )
    elif len(shape) != 2 or (role == "trimap" and dtype != np.uint8):
        raise UserError(f"{role}: an array of shape {shape} and dtype {dtype}; give (H, W), a trimap in uint8")
    if 0 in shape:
        raise UserError(f"{role}: an array of shape {shape} holds no pixel")


def _as_role(piece: Array, role: Role) -> Array:
    """A window as the role wants it: three channels; 0, 128, 255; grey as it is."""
    if piece.dtype.kind == "f" and not np.isfinite(piece).all():
        raise UserError(f"{role}: the array holds NaN or infinity; replace them first")
    if role == "image" and piece.dtype.kind == "f" and piece.size and not 0 <= piece.min() <= piece.max() <= 1:
        raise UserError(f"image: the array holds {piece.min():g} to {piece.max():g}; scale float pictures to 0..1")
    if role == "trimap":
        return TRIMAP_VALUES[trimap_classes(piece)]
    if role != "image":
        return piece
    return np.repeat(piece[:, :, None], 3, axis=2) if piece.ndim == 2 else piece[:, :, :3]


def source_of(document: Document, registry: Registry, name: str, given: Any) -> Source:
    """The source of the input ``name``: an array as it is, a path through the format that reads it."""
    if isinstance(given, Path):
        return open_source(document, registry, name, given)
    return ArraySource(given, document.inputs[name].kind)


def plan_input(source: Source) -> InputPlan:
    """How the source is read if memory allows; reads metadata only."""
    resident = source.resident_bytes()
    window = source.scratch(Target(Box((0, 0), (TYPICAL_WINDOW, TYPICAL_WINDOW))), {})
    reading: Reading = "decoded" if resident else "windows"
    return InputPlan(source.infer({})["pixels"], reading, resident, window, source.stream_bytes())


@contextmanager
def decoding_ahead(sources: Mapping[str, Source], inputs: Mapping[str, InputPlan]) -> Iterator[None]:
    """Decode, beside what is done meanwhile, the inputs that this process holds whole.

    What goes wrong there is not lost: the window that needs the input meets it again, and reports it.
    """
    corner = Block(Target(Box((0, 0), (1, 1))), {}, {}, frozenset({"pixels"}))
    with ThreadPoolExecutor(1) as beside:
        for name, planned in inputs.items():
            if planned.reading == "decoded":
                beside.submit(sources[name].run, corner, None)  # type: ignore[arg-type]  # a source needs no context
        yield


def stream(store: RunStore, name: str, source: Source, spec: ArraySpec) -> None:
    """Copy the source into the run's store, piece by piece; done once, however often the run is resumed."""
    array_name = name_of(Ref(name, ""))
    ledger = store.ledger(array_name, 1)
    if ledger.done.all():
        return
    with _unless_there(store, array_name, content_of(name)) as there:
        if not there:
            _copy(store.arrays(), array_name, source, spec)
    ledger.mark(0)


@contextmanager
def _unless_there(store: RunStore, array_name: str, content: str) -> Iterator[bool]:
    """Whether an earlier run left a copy of the same content; what is copied inside will be known by its content."""
    if not store.remembers:
        yield False
        return
    Served.create(open_arrays(store.served_path), array_name, 1, 1)
    served = Served(array_of(open_arrays(store.served_path), array_name))
    digest = hashlib.blake2b(store.recorded(content).encode(), digest_size=SIZE).digest()
    now = np.frombuffer(digest, np.uint8)[None]
    there = np.array_equal(served.read(0), now)
    if not there:
        served.write(0, np.zeros_like(now))
    yield there
    served.write(0, now)


def _copy(group: zarr.Group, array_name: str, source: Source, spec: ArraySpec) -> None:
    if array_name in group:
        del group[array_name]
    array: zarr.Array[Any] = create(group, array_name, spec)
    for box, piece in source.stream():
        write_pixels(array, box, piece)
        del piece  # before the next is read: a band of a wide scan is large


def reduce(store: RunStore, name: str, source: ReducedSource, planned: InputPlan) -> None:
    """Make the reduced picture in the run's store; what can only be decoded whole and is too large lies there first."""
    full, arrays, whole = planned.reduced_from, store.arrays(), name_of(Ref(f"{name} at full size"))
    if full is None or not full.streamed or store.ledger(name_of(Ref(name)), 1).done.all():
        stream(store, name, source, planned.spec)
        source.close()
    else:
        _copy(arrays, whole, source.inner, full.spec)
        stream(store, name, source.over(ArraySource(array_of(arrays, whole), source.role)), planned.spec)
    if whole in arrays:  # an interrupted run may have left it, too
        del arrays[whole]
