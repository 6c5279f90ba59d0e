"""A region of the picture, as a person writes it: ``y0:y1,x0:x1`` in pixels of the full size."""

from __future__ import annotations

import re
from dataclasses import replace

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.pipeline.graph import Graph
from hdmatt_core.pipeline.passes import Specs
from hdmatt_core.spec import ArraySpec

Region = str | tuple[slice, slice]
Shape = tuple[int, int]

_WRITTEN = re.compile(r"\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*", re.ASCII)


def box_of(region: Region, shape: Shape) -> Box:
    """The pixels (y, x) of ``region`` in a picture of ``shape`` (H, W); UserError if it is none, empty, or outside."""
    axes = region if isinstance(region, tuple) else (region,)
    text = region if isinstance(region, str) else ",".join(map(_text, axes))
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise _refused(text, "is not of the form y0:y1,x0:x1", shape)
    top, bottom, left, right = map(int, found.groups())
    if bottom <= top or right <= left:
        raise _refused(text, "holds no pixel", shape)
    if bottom > shape[0] or right > shape[1]:
        raise _refused(text, "reaches beyond the picture", shape)
    return Box((top, left), (bottom, right))


def _text(axis: object) -> str:
    if not isinstance(axis, slice):
        return str(axis)
    parts = axis.start, axis.stop, *([] if axis.step is None else [axis.step])
    return ":".join("" if part is None else str(part) for part in parts)


def _refused(text: str, fault: str, shape: Shape) -> UserError:
    height, width = shape
    return UserError(
        f"--roi {text}: {fault}; the picture is {width} x {height} pixels: write y0:y1,x0:x1 "
        f"with 0 <= y0 < y1 <= {height} and 0 <= x0 < x1 <= {width}"
    )


def text_of(region: Box) -> str:
    """``y0:y1,x0:x1``, as a person writes it."""
    return ",".join(f"{a}:{b}" for a, b in zip(region.start, region.stop, strict=True))


def coarser_box(region: Box, factor: int) -> Box:
    """The pixels of a picture reduced by ``factor`` that stand for the region, or for a part of it."""
    return Box(tuple(a // factor for a in region.start), tuple(-(-b // factor) for b in region.stop))


def cropped(spec: ArraySpec, region: Box | None) -> ArraySpec:
    """What is left of a picture where only a region of it is made."""
    return spec if region is None else replace(spec, shape=(*region.shape, *spec.shape[2:]))


def check_outputs(graph: Graph, specs: Specs, shape: tuple[int, ...]) -> None:
    """UserError for an output of which there is no such region, since it is no picture of ``shape`` (H, W)."""
    for name, ref in graph.outputs.items():
        if specs[ref].over_tiles or specs[ref].shape[:2] != shape:
            raise UserError(f"--roi: the output '{name}' is no picture of the image's size; leave --roi out")
