"""Pictures of 8192 x 8192 are written as pyramids, and read, in the memory that is stated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hdmatt_core.pipeline.inputs import DECODER_BYTES

SIDE = 8192
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from hdmatt_core.geometry import Box, blocks_of
from hdmatt_core.kinds import About
from hdmatt_core.registry import Registry
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Block, Target

name, channels, side = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
wave = np.random.default_rng(0).random((2048, 2048 * max(channels, 1)), dtype=np.float32)

def read(box):
    height, width = box.shape
    y, x = (a % 1024 for a in box.start)
    piece = wave[y : y + height, x : x + width * max(channels, 1)]
    return piece.reshape(height, width, channels) if channels else piece.copy()

def spec(side):
    shape = (side, side, channels) if channels else (side, side)
    return ArraySpec(("y", "x", "c")[: len(shape)], shape, "float32")

def resident(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))

def peak_of(work):
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak
    before = resident("VmRSS")
    work()
    return resident("VmHWM") - before

def sink(path):
    stage = Registry.load().sink_for(path).stage
    return stage(stage.Params.model_validate({"path": path, "depth": "8"}))

def source(path, role):
    stage = Registry.load().source_for(path).stage
    return stage(stage.Params.model_validate({"path": path, "role": role}))

def read_all(path):
    opened = source(path, "image" if channels else "matte")
    for box in blocks_of(opened.infer({})["pixels"].shape[:2], (1024, 1024)):
        opened.run(Block(Target(box), {}, {}, frozenset({"pixels"})), None)

small, large = Path("small" + name), Path(name)
sink(small).write(small, spec(1300), read, About())  # what is imported and kept for ever
read_all(small)
writing = peak_of(lambda: sink(large).write(large, spec(side), read, About()))
reading = peak_of(lambda: read_all(large))
window = source(large, "image" if channels else "matte")
said = window.scratch(Target(Box((0, 0), (1024, 1024))), {})
print(json.dumps({"write": [writing, sink(large).write_bytes(spec(side))], "read": [reading, said]}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
@pytest.mark.parametrize("channels", [0, 4])
@pytest.mark.parametrize("name", ["a.ptif", "a.ome.zarr"])
def test_a_pyramid_is_written_and_read_in_the_memory_that_is_stated(tmp_path: Path, name: str, channels: int) -> None:
    command = [sys.executable, "-c", SCRIPT, name, str(channels), str(SIDE)]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    measured = json.loads(done.stdout)
    (writing, planned), (reading, said) = measured["write"], measured["read"]
    print(name, channels, {k: [f"{b / 1e6:.0f} MB" for b in v] for k, v in measured.items()})  # noqa: T201  # with -s
    slack = 8 << 20  # of an allocator
    assert writing < planned + slack
    assert planned < 100e6  # whatever the size: RGBA of 32768 x 32768 is 4.3 GB
    window = 1024 * 1024 * max(channels, 1)
    assert reading < said + 2 * window + slack


STREAM = """
import json, sys
from pathlib import Path
import pyvips
from hdmatt_core.registry import Registry

def resident(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))

def stream(side):
    path = Path(str(side) + sys.argv[1])
    pyvips.Image.xyz(side, side).extract_band(0).cast("uchar").bandjoin([10, 20]).write_to_file(str(path))
    stage = Registry.load().source_for(path).stage
    source = stage(stage.Params.model_validate({"path": path, "role": "image"}))
    Path("/proc/self/clear_refs").write_text("5")
    before, pixels = resident("VmRSS"), 0
    for box, piece in source.stream():
        pixels += piece.size // 3
        del piece
    assert pixels == side * side
    return resident("VmHWM") - before

stream(1500)
print(json.dumps(stream(int(sys.argv[2]))))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_what_decodes_only_whole_is_streamed_in_bands(tmp_path: Path, suffix: str) -> None:
    command = [sys.executable, "-c", STREAM, suffix, str(SIDE)]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    measured = json.loads(done.stdout)
    print(suffix, f"{measured / 1e6:.0f} MB")  # noqa: T201  # with -s
    band = 1024 * SIDE * 3
    assert measured < 2 * band + DECODER_BYTES  # what the plan counts; the picture has 201 MB
