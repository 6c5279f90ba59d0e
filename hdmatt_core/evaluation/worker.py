"""One picture matted by one method in a process of its own: a JSON job on standard input, its cost on the output.

A process for each picture makes peak memory an exact figure (the kernel's high-water mark of this process alone), and
a method that is killed for its memory loses one row.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.files import open_file, read
from hdmatt_core.evaluation.methods import Method
from hdmatt_core.evaluation.sample import Sample
from hdmatt_core.registry import Registry


def main() -> None:
    """Do the job; what went wrong by a person's mistake or for want of memory is an answer, too."""
    job = json.load(sys.stdin)
    method = Method(**job["method"])
    sample = Sample("", Path(job["image"]), Path(job["trimap"]))
    answer: dict[str, Any]
    try:
        work = _peer if method.solver else _pipeline
        answer = _timed(work(method, sample, Path(job["alpha"]), job["memory"]))
    except (UserError, ValueError) as error:
        answer = {"error": " ".join(str(error).split())}
    except MemoryError:
        limit = "" if job["memory"] is None else f" ({job['memory'] / 1e9:.1f} GB)"
        answer = {"error": f"needs more memory than it may have{limit}"}
    json.dump(answer, sys.stdout)


def _timed(work: Callable[[], Any]) -> dict[str, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - processor,
        "peak_bytes": peak_bytes(),
    }


def peak_bytes() -> int:
    """The most memory that this process ever had resident."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says includes what the parent had when it started this process
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _pipeline(method: Method, sample: Sample, alpha: Path, memory: int | None) -> Callable[[], Any]:
    """A run of a pipeline, from files to file; torch is imported before the clock starts."""
    import torch  # noqa: F401

    from hdmatt_core.runtime.run import run

    return lambda: run(method.request(sample, alpha, memory))


def _peer(method: Method, sample: Sample, alpha: Path, memory: int | None) -> Callable[[], Any]:
    """A solver over the whole image, from files to file; it is compiled, on a few pixels, before the clock starts."""
    import pymatting

    solve = getattr(pymatting, f"estimate_alpha_{method.solver}")
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    shades = np.linspace(0, 1, 16 * 16 * 3).reshape(16, 16, 3)
    solve(shades, np.repeat([0.0, 0.5, 0.5, 1.0], 4)[:, None] * np.ones(16))

    def work() -> None:
        registry = Registry.load()
        image = _unit(read(open_file(sample.image, "image", registry)))
        trimap = read(open_file(sample.trimap, "trimap", registry))
        matte = solve(image, np.where(trimap == 128, 0.5, trimap / 255))
        pixels = (np.clip(matte, 0, 1) * 255 + 0.5).astype(np.uint8)
        Image.fromarray(pixels).save(alpha)

    return work


def _unit(image: NDArray[Any]) -> NDArray[np.float64]:
    """Colours as float64 in 0..1, as PyMatting wants them."""
    top = np.iinfo(image.dtype).max if np.issubdtype(image.dtype, np.integer) else 1
    return np.asarray(image / np.float64(top))


if __name__ == "__main__":
    main()
