"""The Python interface: ``matte`` for one picture, ``plan`` and ``run`` for any pipeline.

.. code-block:: python

    import hdmatt_core

    result = hdmatt_core.matte("photo.jpg", "trimap.png")
    result.alpha  # (H, W) float32, 0..1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.pages.witness import reporting
from hdmatt_core.pipeline.document import Document, load_document
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.pipeline.sizes import parse_size
from hdmatt_core.runtime.compute import Device, Precision
from hdmatt_core.runtime.events import Listener, unheard
from hdmatt_core.runtime.outputs import Depth
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import Result, plan, run
from hdmatt_core.stage import Array

__all__ = ["Document", "Matte", "Plan", "Request", "Result", "load_pipeline", "matte", "plan", "run"]

load_pipeline = load_document


@dataclass(frozen=True)
class Matte:
    """What :func:`matte` gives back: arrays for what was not written to a file, and the plan that was kept to."""

    alpha: NDArray[np.float32] | None  # (H, W), 0..1; of a region or a preview its own H, W
    foreground: Array | None  # (H, W, 4), straight alpha, in the image's dtype
    plan: Plan


def matte(
    image: str | Path | Any,
    trimap: str | Path | Any,
    output: str | Path | None = None,
    *,
    foreground: bool | str | Path = False,
    pipeline: str | Path = "hdmatt",
    settings: Sequence[str] = (),
    depth: Depth | None = None,
    roi: str | tuple[slice, slice] | None = None,
    preview: int = 1,
    memory: str | int | None = None,
    workers: int = 0,
    scheduler: str | None = None,
    synchronous: bool = False,
    device: Device = "auto",
    dtype: Precision = "auto",
    scratch: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    update: bool = False,
    report: str | Path | None = None,
    progress: Listener = unheard,
) -> Matte:
    """Matte one picture.

    :param image: a path, or an array (H, W), (H, W, 3) or (H, W, 4) in uint8, uint16 or float32 0..1 (numpy or zarr).
    :param trimap: a path, or an array (H, W) uint8: 0 background, 128 unknown, 255 foreground.
    :param output: where alpha goes (``.png``, ``.tif``, ``.zarr``); without it alpha is returned as an array.
    :param foreground: True returns the RGBA cut-out, a path writes it.
    :param pipeline: name or YAML file; ``settings`` are overrides such as ``"pick.k=5"``.
    :param roi: the only region that is made, ``"y0:y1,x0:x1"`` or ``numpy.s_[y0:y1, x0:x1]`` in the image's pixels; its
        values are those that the whole would have there.
    :param preview: N mattes image and trimap at 1/N of their sides, for a quick look.
    :param memory: limit over all local processes, ``"2GB"`` or bytes.
    :param dtype: precision of the network; "auto" is bfloat16 on processors with instructions for it (AMX,
        AVX512-BF16) and on NVIDIA cards since Ampere, float32 elsewhere.
    :param update: take up the run that lies beside ``output`` after an edit of image or trimap, making again only what
        the edit concerns; or start; the run is kept.
    :param report: where a page about the run is written (``.html``), of one that fails half way, too.
    :param progress: called with every :mod:`hdmatt_core.runtime.events` event.
    :raises hdmatt_core.errors.UserError: for anything the caller can mend.
    """
    outputs: dict[str, Path | None] = {"alpha": None if output is None else Path(output)}
    if foreground is not False:
        outputs["foreground"] = None if foreground is True else Path(foreground)
    request = Request(
        pipeline=pipeline,
        inputs={"image": _given(image), "trimap": _given(trimap)},
        outputs=outputs,
        overrides=(settings,) if isinstance(settings, str) else tuple(settings),
        depth=depth,
        roi=roi,
        preview=preview,
        memory=parse_size(memory) if isinstance(memory, str) else memory,
        workers=workers,
        scheduler=scheduler,
        synchronous=synchronous,
        device=device,
        dtype=dtype,
        scratch=None if scratch is None else Path(scratch),
        resume=resume,
        overwrite=overwrite,
        update=update,
    )
    page = None if report is None else Path(report)
    result = run(request, progress, witness=reporting(request, page, progress))
    return Matte(result.arrays.get("alpha"), result.arrays.get("foreground"), result.plan)


def _given(value: Any) -> Any:
    return Path(value) if isinstance(value, str) else value
