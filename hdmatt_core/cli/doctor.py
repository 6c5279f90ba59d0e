"""``hdmatt doctor``: what this machine offers, and what is broken."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal

import typer

from hdmatt_core.cli.table import show_table
from hdmatt_core.errors import HdmattWarning, UserError

Finding = tuple[Literal["ok", "note", "broken"], str, str]
"""Verdict, subject, what was found and the cure."""

PACKAGES = ("hdmatt", "torch", "numpy", "zarr", "dask", "distributed", "pydantic", "tifffile", "imagecodecs", "pillow")


def doctor() -> None:
    """Look at this machine: versions, devices, memory, disk, weights, plug-ins. Exit code 2 if something is broken.

    [bold]Example[/bold]

    hdmatt doctor
    """
    findings = [finding for probe in PROBES for finding in _guarded(probe)]
    show_table(("", "what", "found"), findings)
    broken = sum(verdict == "broken" for verdict, _, _ in findings)
    if broken:
        typer.echo(f"{broken} {'thing is' if broken == 1 else 'things are'} broken")
        raise typer.Exit(2)


def _guarded(probe: Callable[[], Iterator[Finding]]) -> Sequence[Finding]:
    """A doctor must not fall ill: whatever a probe raises is a finding."""
    try:
        return list(probe())
    except UserError as error:
        return [("broken", probe.__name__.strip("_"), error.message)]
    except Exception as error:
        return [("broken", probe.__name__.strip("_"), f"{type(error).__name__}: {' '.join(str(error).split())}")]


def _python() -> Iterator[Finding]:
    yield "ok", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {sys.executable}"


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield "ok", name, metadata.version(name)
        except metadata.PackageNotFoundError:
            cure = "from its source tree: pip install -e ." if name == "hdmatt" else f"pip install {name}"
            yield "broken", name, f"not installed; {cure}"


def _torch() -> Iterator[Finding]:
    torch = importlib.import_module("torch")
    unit = importlib.import_module("hdmatt_core.runtime.machine").devices()["cpu"]
    meant = importlib.import_module("hdmatt_core.runtime.compute").precision("auto", unit)
    yield "ok", "instruction set", f"{unit}, the bits of a result depend on it; --dtype auto is {meant} on it"
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        yield "ok", f"cuda:{index}", f"{properties.name}, {_size(properties.total_memory)}"
    if torch.backends.mps.is_available():
        yield "ok", "mps", "Apple's GPU, sharing the machine's memory"
    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        built = "this torch is built for CUDA" if torch.version.cuda else "this torch is built for CPU only"
        yield "note", "device", f"cpu; no GPU is visible ({built})"


def _machine() -> Iterator[Finding]:
    psutil = importlib.import_module("psutil")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield "ok", "cores", f"{usable} usable of {os.cpu_count()}"
    memory = psutil.virtual_memory()
    limit = _cgroup_limit()
    limited = f", limited to {_size(limit)}" if limit and limit < memory.total else ""
    yield "ok", "memory", f"{_size(memory.available)} free of {_size(memory.total)}{limited}"
    for folder in dict.fromkeys((Path.cwd(), Path(os.environ.get("TMPDIR", "/tmp")))):
        yield "ok", "disk", f"{_size(shutil.disk_usage(folder).free)} free at {folder}"


def _cgroup_limit() -> int | None:
    """What a container may use of the machine's memory."""
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        path = Path(name)
        if path.is_file() and (text := path.read_text().strip()).isdigit():
            return int(text)
    return None


def _weights() -> Iterator[Finding]:
    from hdmatt_core.nn.header import read_header
    from hdmatt_core.nn.locate import WEIGHTS, resolve

    for name in WEIGHTS:
        header = read_header(resolve(name))
        millions = f"{header.parameters / 1e6:.1f} M parameters"
        origin = f"trained at {header.commit[:9]} on {header.data}"
        yield "ok", f"weights {name}", f"{header.preset}, {millions}, {origin}, sha256 {header.sha256[:12]}"


def _pipelines() -> Iterator[Finding]:
    from hdmatt_core.pipeline.find import shipped_pipelines

    names = shipped_pipelines()
    if names:
        yield "ok", "pipelines", ", ".join(names)
    else:
        yield "broken", "pipelines", "none is found; install hdmatt again"


def _pyvips() -> Iterator[Finding]:
    try:
        pyvips = importlib.import_module("pyvips")
    except (ImportError, OSError) as error:
        cure = "pip install 'hdmatt[large]', for PNG and JPEG beyond the memory limit"
        yield "note", "pyvips", f"not there ({' '.join(str(error).split())}); {cure}"
    else:
        yield "ok", "pyvips", f"{pyvips.__version__}, libvips {'.'.join(str(pyvips.version(i)) for i in range(3))}"


def _plugins() -> Iterator[Finding]:
    from hdmatt_core.registry import Registry

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HdmattWarning)  # they are listed here
        registry = Registry.load(strict=False)
    brought = ", ".join(f"{name} {version}" for name, version in registry.distributions().items())
    yield "ok", "plug-ins", f"{len(registry.names())} stages from {brought}"
    for problem in registry.problems:
        yield "broken", f"plug-in {problem.distribution}", f"{problem.what}; {problem.cure}"


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"


PROBES = (_python, _packages, _torch, _machine, _weights, _pipelines, _pyvips, _plugins)
