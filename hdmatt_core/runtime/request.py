"""What a person asks for: one value from the command line or from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.resources import Resources
from hdmatt_core.runtime.compute import Device, Precision
from hdmatt_core.runtime.outputs import Depth, partial_of

_LONGEST_NAME = 255
"""Bytes, on the file systems that people have."""
SAFE_SHARE = 0.5
"""The share of free memory a run takes when no limit is given."""


@dataclass(frozen=True)
class Request:
    """Pipeline, inputs, outputs and the limits of one run.

    An output with no path is returned as an array; without ``depth`` mattes have 8 bits, colours those of the image.
    ``update`` takes a finished or unfinished run up for inputs that were edited, or starts one, and keeps it.
    ``memory`` is bytes over all local processes; ``workers`` 0 means
    threads of this process; ``scratch`` is the folder for the run's store (beside the first output by default).
    ``roi`` is a region of the image, ``"y0:y1,x0:x1"`` or ``numpy.s_[y0:y1, x0:x1]``, which is all that is made of
    the outputs; ``preview`` N reduces image and trimap to 1/N of their sides.
    """

    pipeline: str | Path
    inputs: Mapping[str, Any]  # a path, or a numpy or zarr array
    outputs: Mapping[str, Path | None]
    overrides: tuple[str, ...] = ()
    depth: Depth | None = None
    memory: int | None = None
    workers: int = 0
    scheduler: str | None = None
    synchronous: bool = False
    device: Device = "auto"
    dtype: Precision = "auto"
    scratch: Path | None = None
    resume: bool = False
    overwrite: bool = False
    keep_run: bool = False
    update: bool = False
    seed: int = 0
    roi: str | tuple[slice, slice] | None = None
    preview: int = 1
    command: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for path in self.outputs.values():
            if path is not None and len(os.fsencode(partial_of(path).name)) > _LONGEST_NAME:
                raise UserError(f"{path}: the name is too long for the unfinished file beside it; give a shorter one")

    def store_path(self) -> Path | None:
        """``NAME.run`` beside the first output, or in the scratch folder; None where no output has a path."""
        first = next((path for path in self.outputs.values() if path is not None), None)
        return first and (self.scratch or first.absolute().parent) / f"{first.name}.run"

    def temporary(self, prefix: str) -> TemporaryDirectory[str]:
        """A folder that goes when its context ends, in the scratch folder, which is made if it is not there."""
        try:
            if self.scratch is not None:
                self.scratch.mkdir(parents=True, exist_ok=True)
            return TemporaryDirectory(prefix=prefix, dir=self.scratch)
        except OSError as error:
            raise UserError(f"{error.filename}: cannot be written ({error.strerror}); give another --scratch") from None

    def resources(self) -> Resources:
        """Budget, processes and threads; without ``memory`` a safe share of what is free."""
        if not isinstance(self.workers, int) or self.workers < 0:
            raise UserError(f"--workers {self.workers}: give a number of processes, 0 for threads of this one")
        available = psutil.virtual_memory().available
        budget = int(available * SAFE_SHARE) if self.memory is None else self.memory
        threads = 1 if self.workers or self.synchronous else usable_cores()
        return Resources(budget, self.workers, threads, remote=self.scheduler is not None)


def usable_cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
