"""What the README tells a stranger to type works, in order, on small pictures, in an environment of its own."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from hdmatt_core.testing import scene

ELSEWHERE = ("hdmatt compose", "hdmatt evaluate --dataset")
"""They need material and many minutes; tests/evaluation runs them on small material."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(root: Path, language: str) -> list[str]:
    found = BLOCK.findall((root / "README.md").read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


def commands(root: Path) -> Iterator[str]:
    for block in blocks(root, "sh"):
        for line in block.splitlines():
            yield line.partition("#")[0].strip()


def test_the_make_targets_exist(root: Path) -> None:
    named = {command.split()[1] for command in commands(root) if command.startswith("make ")}
    targets = re.findall(r"^(\w+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert named
    assert named <= set(targets)


@pytest.mark.slow
def test_the_commands_run(
    wheel: Path,
    root: Path,
    environment: Callable[..., Path],
    install: Callable[..., None],
    run: Callable[..., str],
    tmp_path: Path,
) -> None:
    clone(root, tmp_path)
    folder = environment(wheel)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    for command in commands(root):
        if command.startswith("pip install "):
            install(folder, *command.split()[2:], cwd=tmp_path)
        elif not command.startswith(("make ", *ELSEWHERE)):
            run("bash", "-ec", command, cwd=tmp_path, PATH=path)
    for block in blocks(root, "python"):
        run(folder / "python", "-c", block, cwd=tmp_path)
    with Image.open(tmp_path / "cutout.png") as cutout:
        assert (cutout.mode, cutout.size) == ("RGBA", (300, 200))
    with Image.open(tmp_path / "scan-alpha.tif") as alpha:
        assert alpha.size == (500, 400)


def clone(root: Path, folder: Path) -> None:
    """The files that the README speaks of: parts of the repository, and pictures."""
    shutil.copytree(root / "pipelines", folder / "pipelines")
    shutil.copytree(root / "docs" / "examples", folder / "docs" / "examples")
    small, large = scene(200, 300), scene(400, 500)
    Image.fromarray(small.image).save(folder / "photo.jpg")
    Image.fromarray((small.alpha * 255).astype("uint8")).save(folder / "mask.png")
    Image.fromarray(large.image).save(folder / "scan.tif")
    Image.fromarray(large.trimap).save(folder / "scan-trimap.tif")
