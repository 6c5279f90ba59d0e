"""What a photograph costs: 24 megapixels, a tenth unknown, two gigabytes.

Prints, from one run on one machine: the time of ``hdmatt matte`` beside the bare network's on the same tiles, the
peak of resident memory beside the plan's figure, and PyMatting's closed form on a size that it can still hold.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from scipy.ndimage import distance_transform_edt

from hdmatt_core.demo import PHOTO, TRIMAP
from hdmatt_core.runtime.machine import FASTER, devices

MEGAPIXELS = 24
UNKNOWN = 0.10
BUDGET = "2GB"
HDMATT = [sys.executable, "-m", "hdmatt_core"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megapixels", type=float, default=MEGAPIXELS)
    arguments.add_argument("--memory", default=BUDGET)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image, trimap = photograph(Path(folder), options.megapixels)
        report(image, trimap, Path(folder), options.memory)


def report(image: Path, trimap: Path, folder: Path, memory: str) -> None:
    unknown = (np.asarray(Image.open(trimap)) == 128).mean()
    width, height = Image.open(image).size
    size = f"{width} x {height}, {width * height / 1e6:.1f} megapixels"
    print(f"{size}, {unknown:.1%} unknown, {psutil.cpu_count()} cores")
    for dtype in ("float32", "bfloat16") if devices()["cpu"].endswith(FASTER) else ("float32",):
        print(f"\n{dtype}")
        compare(image, trimap, folder, memory, dtype)
    size, closed = closed_form(image, trimap)
    print(f"\nPyMatting closed form at {size:.1f} MP  {closed[0]:8.1f} s   {closed[1] / 1e6:.0f} MB")


def compare(image: Path, trimap: Path, folder: Path, memory: str, dtype: str) -> None:
    """Print what the network alone takes in a precision, and what the command takes."""
    log = plan_of(image, trimap, memory)
    planned = next(line for line in log.splitlines() if line.startswith("memory "))
    encoded = int(next(line for line in log.splitlines() if line.startswith("tiles ")).split("; ")[1].split()[0])
    whole, same = (bare_network(image, trimap, dtype, tiles) for tiles in (None, encoded))
    seconds, busy, peak = watched_run(image, trimap, folder, memory, dtype)
    print(f"bare network on all tiles        {whole[0]:8.1f} s   {whole[1]:8.1f} s of processors")
    print(f"bare network on the same tiles   {same[0]:8.1f} s   {same[1]:8.1f} s of processors")
    print(f"hdmatt matte, start to finish    {seconds:8.1f} s   {busy:8.1f} s of processors")
    print(f"  times the first                {seconds / whole[0]:8.2f}     {busy / whole[1]:8.2f}")
    print(f"  times the second               {seconds / same[0]:8.2f}     {busy / same[1]:8.2f}")
    print(f"resident memory, all processes   {peak / 1e6:8.0f} MB  (plan: {planned})")


def photograph(folder: Path, megapixels: float) -> tuple[Path, Path]:
    """The demo's photograph enlarged to ``megapixels``, and its trimap with the band widened to a tenth."""
    with Image.open(PHOTO) as photo:
        scale = (megapixels * 1e6 / (photo.width * photo.height)) ** 0.5
        size = round(photo.width * scale), round(photo.height * scale)
        photo.resize(size, Image.Resampling.LANCZOS).save(folder / "photo.png", compress_level=1)
    with Image.open(TRIMAP) as trimap:
        pixels = np.array(trimap.convert("L").resize(size, Image.Resampling.NEAREST))
    distance = distance_transform_edt(pixels != 128)
    pixels[distance <= np.quantile(distance, UNKNOWN)] = 128
    Image.fromarray(pixels).save(folder / "trimap.png")
    return folder / "photo.png", folder / "trimap.png"


def bare_network(image: Path, trimap: Path, dtype: str, encoded: int | None) -> tuple[float, float]:
    """Seconds, and seconds of processors, for the network alone, its last touch with it: on all tiles of the picture,
    or on those with unknown pixels and as many others as make ``encoded``; in memory, in as many threads as the run.
    """
    import torch

    from hdmatt_core.geometry import Box, Grid, reflected
    from hdmatt_core.nn.finish import finished
    from hdmatt_core.nn.inputs import make_input
    from hdmatt_core.nn.regions import downsample_regions
    from hdmatt_core.nn.weights import load

    model = load("hdmatt-s").folded().to(getattr(torch, dtype))
    pixels, known = np.asarray(Image.open(image).convert("RGB")), np.asarray(Image.open(trimap))
    grid = Grid(known.shape, 320, 32)

    def cut(array: np.ndarray, slot: int) -> np.ndarray:
        box: Box = grid.box(slot)
        rows, cols = (reflected(a, b, n) for a, b, n in zip(box.start, box.stop, array.shape, strict=False))
        return array[np.ix_(rows, cols)]

    slots = grid.present(0, grid.slots)
    tiles = {slot: (cut(pixels, slot), cut(known, slot)) for slot in slots}
    queries = {slot for slot in slots if (tiles[slot][1] == 128).any()}
    if encoded is not None:
        others = [slot for slot in slots if slot not in queries][: encoded - len(queries)]
        slots = sorted(queries) + others

    def work(batch: list[int]) -> None:
        torch.set_num_threads(1)
        with torch.inference_mode():
            x = make_input(*map(np.stack, zip(*(tiles[s] for s in batch), strict=True))).to(getattr(torch, dtype))
            asked = [i for i, s in enumerate(batch) if s in queries]
            if not asked:
                model.encoder.known(x)
            else:
                features, skips = model.encoder(x)
                regions = torch.from_numpy(downsample_regions(np.stack([tiles[s][1] for s in batch])))
                index = torch.tensor([[(i + j) % len(batch) for j in (1, 2, 3)] for i in asked])
                fused = model.context(features[asked], regions[asked], features, regions, index)
                own = type(skips)(*(part[asked] for part in skips))
                finished(own.x.float(), model.decoder.around(fused, own).float())

    batches = [slots[i : i + 4] for i in range(0, len(slots), 4)]
    work(batches[0])
    print(f"{len(slots)} tiles, {len(queries)} with unknown pixels")
    return timed(lambda: list(ThreadPoolExecutor(psutil.cpu_count()).map(work, batches)))


def plan_of(image: Path, trimap: Path, memory: str) -> str:
    """What ``hdmatt plan`` prints."""
    command = [*HDMATT, "plan", "hdmatt", "-i", f"image={image}", "-i", f"trimap={trimap}", "--memory", memory]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def watched_run(image: Path, trimap: Path, folder: Path, memory: str, dtype: str) -> tuple[float, float, int]:
    """Seconds, seconds of processors and peak resident bytes of the command people type, its children included."""
    began, used, peak = time.perf_counter(), children_time(), 0
    command = [*HDMATT, "matte", str(image), str(trimap), "-o", str(folder / f"alpha-{dtype}.png")]
    command += ["--memory", memory, "--dtype", dtype]
    process = psutil.Popen(command)
    while process.poll() is None:
        peak = max(peak, resident(process))
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"hdmatt matte failed with {process.returncode}")
    return time.perf_counter() - began, children_time() - used, peak


def children_time() -> float:
    """Seconds of processors that finished children took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def resident(process: psutil.Process) -> int:
    total = 0
    for one in (process, *_children(process)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def closed_form(image: Path, trimap: Path, megapixels: float = 1.5) -> tuple[float, tuple[float, int]]:
    """PyMatting's closed form in a process of its own: megapixels, (seconds, peak resident bytes)."""
    program = (
        "import sys, numpy as np; from PIL import Image; from pymatting import estimate_alpha_cf\n"
        "i, t = Image.open(sys.argv[1]).convert('RGB'), Image.open(sys.argv[2])\n"
        "s = (float(sys.argv[3]) * 1e6 / (i.width * i.height)) ** 0.5\n"
        "size = round(i.width * s), round(i.height * s)\n"
        "t = np.asarray(t.resize(size, 0)) / 255; t[(t > 0) & (t < 1)] = 0.5\n"
        "estimate_alpha_cf(np.asarray(i.resize(size)) / 255, t)\n"
    )
    began, peak = time.perf_counter(), 0
    process = psutil.Popen([sys.executable, "-W", "ignore", "-c", program, str(image), str(trimap), str(megapixels)])
    while process.poll() is None:
        peak = max(peak, resident(process))
        time.sleep(0.05)
    return megapixels, (time.perf_counter() - began, peak)


def timed(call: Callable[[], object]) -> tuple[float, float]:
    began, used = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - began, time.process_time() - used


if __name__ == "__main__":
    main()
