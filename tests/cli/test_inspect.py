"""check, draw and schema."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Hdmatt = Callable[..., Any]

LOADED = """
import sys
from hdmatt_core.cli import main
code = main(sys.argv[1:])
print(code, sorted({"torch", "zarr", "dask", "distributed", "rich"} & {*sys.modules}), file=sys.stderr)
"""


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[str, ...]:
    """``-i`` words for an image and a trimap whose pixels cannot be read: their compressed data are zeros."""
    made = {"image": (100, 120, 3), "trimap": (100, 120)}
    for name, shape in made.items():
        noise = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
        path = tmp_path / f"{name}.png"
        Image.fromarray(noise).save(path)
        whole = path.read_bytes()
        path.write_bytes(whole[:50] + bytes(len(whole) - 80) + whole[-30:])
        with pytest.raises(OSError, match="broken"):
            Image.open(path).load()
    return tuple(word for name in made for word in ("-i", f"{name}={tmp_path / name}.png"))


def test_a_pipeline_that_holds(hdmatt: Hdmatt) -> None:
    outcome = hdmatt("check", "hdmatt", "--set", "pick.k=5")
    assert (outcome.code, outcome.err) == (0, "")
    first, *arrays = outcome.out.splitlines()
    assert first.endswith("hdmatt.yaml: holds, 19 stages")
    assert [" ".join(line.split()) for line in arrays] == [
        "input image y,x,c=3 uint8 at 1/1 2000 x 3000 x 3",
        "input trimap y,x uint8 at 1/1 2000 x 3000",
        "output alpha y,x float32 at 1/1 2000 x 3000",
        "output foreground y,x,c=4 uint8 at 1/1 2000 x 3000 x 4",
    ]


def test_files_are_judged_by_their_headers_alone(hdmatt: Hdmatt, pictures: tuple[str, ...]) -> None:
    outcome = hdmatt("check", "hdmatt", *pictures)
    assert (outcome.code, outcome.err) == (0, "")
    assert "100 x 120 x 4" in outcome.out


def test_inputs_without_a_file_have_the_size_of_those_with_one(hdmatt: Hdmatt, pictures: tuple[str, ...]) -> None:
    outcome = hdmatt("check", "hdmatt", *pictures[:2])
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("100 x 120") == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-i", "imgae=x.png"), "has no input 'imgae'; did you mean 'image'?"),
        (("-i", "image"), "error: -i image: write -i NAME=PATH"),
        (("-i", "image=a", "-i", "image=b"), "error: -i image=b: 'image' is given twice"),
        (("-i", "image=gone.png"), "error: gone.png: no such file"),
        (("--set", "pick.k=five"), """error: --set pick.k=five: stage 'pick' (sampler.topk), parameter 'k': must be"""),
        (("--set", "pick"), "error: --set pick: write stage.parameter=value or weights=value"),
    ],
)
def test_mistakes_on_the_command_line(hdmatt: Hdmatt, words: tuple[str, ...], said: str) -> None:
    outcome = hdmatt("check", "hdmatt", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("words", [("check", "hdmatt"), ("draw", "hdmatt"), ("schema",), ("stages",), ("--help",)])
def test_looking_loads_neither_torch_nor_zarr_nor_dask(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=True)
    expected = "0 ['rich']" if words == ("--help",) else "0 []"
    assert done.stderr.strip() == expected


def test_a_drawing_goes_to_the_screen_or_to_a_file(hdmatt: Hdmatt, tmp_path: Path) -> None:
    shown = hdmatt("draw", "hdmatt")
    assert shown.code == 0
    assert shown.out.startswith("flowchart TD\n")
    assert hdmatt("draw", "hdmatt", "-o", tmp_path / "p.mmd").out == ""
    assert (tmp_path / "p.mmd").read_text() == shown.out
    hdmatt("draw", "hdmatt", "-o", tmp_path / "p.md")
    assert (tmp_path / "p.md").read_text() == f"```mermaid\n{shown.out}```\n"


def test_drawings_that_cannot_be_written(hdmatt: Hdmatt, tmp_path: Path) -> None:
    outcome = hdmatt("draw", "hdmatt", "-o", tmp_path / "p.svg")
    assert (outcome.code, outcome.err) == (
        2,
        f"error: {tmp_path}/p.svg: a drawing is written to a .md or a .mmd file\n",
    )
    outcome = hdmatt("draw", "hdmatt", "-o", tmp_path / "no" / "p.md")
    assert (outcome.code, outcome.err) == (2, f"error: {tmp_path}/no/p.md: No such file or directory\n")


def test_the_schema_is_json(hdmatt: Hdmatt, tmp_path: Path) -> None:
    shown = hdmatt("schema")
    assert json.loads(shown.out)["title"] == "A pipeline of hdmatt"
    hdmatt("schema", "-o", tmp_path / "s.json")
    assert (tmp_path / "s.json").read_text() == shown.out
