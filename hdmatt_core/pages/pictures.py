"""The pictures of a run, reduced: inputs, what is there of the outputs, and the cut-out on a flat colour."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box
from hdmatt_core.pages.reduced import Bytes, colour8, shrunk
from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.runtime.work import ledger_of
from hdmatt_core.runtime.workspace import Workspace
from hdmatt_core.storage.store import RunStore

LONGEST = 1280
"""Longest side of a reduced picture, px."""
GROUND = (38, 122, 122)
"""The flat colour under the cut-out."""


def factor_for(shape: tuple[int, ...]) -> int:
    """How much a picture is reduced by: a power of two, so that windows are whole chunks and each is read once."""
    return 1 << max(0, math.ceil(math.log2(max(shape[:2]) / LONGEST)))


def pictures(space: Workspace, store: RunStore) -> Iterator[tuple[str, Bytes]]:
    """Each picture with its caption; outputs of which no block is made yet are left out."""
    graph = space.job.graph
    for name in space.job.sources:
        yield name, _small(space, Ref(name))
    for name, ref in graph.outputs.items():
        if not _begun(space, store, ref):
            continue
        if space.spec(ref).channels == 4:
            yield f"{name}, on a flat colour", _cutout(space, None, ref)
        else:
            yield name, _small(space, ref)
            image = _image(space, ref)
            if image and not any(space.spec(other).channels == 4 for other in graph.outputs.values()):
                yield f"{image.node} with this {name}, on a flat colour", _cutout(space, image, ref)


def _small(space: Workspace, ref: Ref) -> Bytes:
    shape = space.spec(ref).shape
    return shrunk(shape, factor_for(shape), lambda box: colour8(space.window(ref, box)))


def _cutout(space: Workspace, image: Ref | None, matte: Ref) -> Bytes:
    """The image under a matte, or an RGBA array, on the flat colour; where all is transparent no image is read."""
    shape = space.spec(matte).shape

    def read(box: Box) -> Bytes:
        own = space.window(matte, box)
        alpha = np.asarray(own if image else own[..., 3])
        if not alpha.any():
            return np.broadcast_to(np.array(GROUND, np.uint8), (*box.shape, 3))
        return _over(colour8(space.window(image, box) if image else own[..., :3]), colour8(alpha))

    return shrunk(shape, factor_for(shape), read)


def _over(colours: Bytes, alpha: Bytes) -> Bytes:
    weight = alpha[..., None].astype(np.uint16)
    mixed: NDArray[np.uint16] = colours * weight + np.array(GROUND, np.uint16) * (255 - weight) + 127
    return (mixed // 255).astype(np.uint8)


def _image(space: Workspace, matte: Ref) -> Ref | None:
    """The input that a matte belongs to: an image of its size."""
    spec, inputs = space.spec(matte), space.job.graph.inputs
    if spec.dtype != "float32":
        return None
    fitting = (Ref(name) for name in space.job.sources if inputs[name].kind == "image")
    return next((ref for ref in fitting if space.spec(ref).shape[:2] == spec.shape[:2]), None)


def _begun(space: Workspace, store: RunStore, ref: Ref) -> bool:
    index = space.job.plan.passes.index(space.job.home(ref))
    return bool(ledger_of(store, space, index).done.any())
