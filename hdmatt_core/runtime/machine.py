"""What a machine is that a run may compute on: devices, versions, memory. Looked at here and on every worker."""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hdmatt_core.errors import HdmattWarning

PACKAGES = ("hdmatt", "torch", "numpy", "zarr")
"""What the bits of a result, or the reading of its store, depend on."""


AMX, BF16 = " AMX", " BF16"
FASTER = (AMX, BF16)
"""One of these ends the name of a processor's instruction set, or of a card, that computes faster in bfloat16."""
SLOWER = "AVX2"
"""A processor with no wider vectors, which torch lets convolve bfloat16 without any."""
AMPERE = (8, 0)
"""Compute capability of the first cards that do."""


@dataclass(frozen=True)
class Machine:
    """One process's surroundings."""

    devices: Mapping[str, str]  # a torch device, and the card or instruction set that stands for its rounding
    versions: Mapping[str, str]  # Python, packages, and distributions that bring stages


def here() -> Machine:
    """This process's."""
    return Machine(devices(), versions())


def devices() -> dict[str, str]:
    """Torch devices that are there, best first."""
    import torch

    found = {}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_device_name() + (BF16 if torch.cuda.get_device_capability() >= AMPERE else "")
    if torch.backends.mps.is_available():
        found["mps"] = platform.processor()
    return found | {"cpu": _instructions()}


def _instructions() -> str:
    """The widest vectors that torch computes with, and whether there are matrices or vectors of bfloat16 besides."""
    import torch

    # An older torch does not tell: its processor is taken to have none.
    told = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    bfloat16 = AMX if told.get("amx_bf16") else BF16 if told.get("avx512_bf16") else ""
    return torch.backends.cpu.get_cpu_capability() + bfloat16


def versions() -> dict[str, str]:
    """Python's, the packages' and those of distributions that bring stages."""
    from hdmatt_core.registry import Registry

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HdmattWarning)  # this only counts; who uses a broken plug-in is told
        brought = Registry.load(strict=False).distributions()
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    return found | {name: _version(name) for name in PACKAGES} | brought


def unseen(paths: Sequence[Path], folder: Path) -> list[str]:
    """Which of the files cannot be read from here, and whether the folder cannot be written."""
    missing = [f"cannot read {path}" for path in paths if not os.access(path, os.R_OK)]
    return missing if os.access(folder, os.W_OK) else [*missing, f"cannot write {folder}"]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
