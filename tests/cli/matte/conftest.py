"""``hdmatt`` called in a folder with a picture and its trimap."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from hdmatt_core.cli import main
from hdmatt_core.testing import Scene, scene

Hdmatt = Callable[..., tuple[int, str]]
SMALL = ("tiles.patch=96", "tiles.overlap=16", "tiles.side=2")


@pytest.fixture(scope="module")
def picture() -> Scene:
    return scene(180, 240, seed=1)


@pytest.fixture
def hdmatt(
    weights: Path, picture: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Hdmatt:
    """Run a command in a folder with photo.png and trimap.png; gives the exit code and what was said."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(picture.image).save("photo.png")
    Image.fromarray(picture.trimap).save("trimap.png")

    def run(command: str, *settings: str, own_weights: bool = False) -> tuple[int, str]:
        given = settings if own_weights else (f"weights={weights}", *settings)
        words = [*command.split(), *(w for s in (*SMALL, *given) for w in ("--set", s))]
        monkeypatch.setattr(sys, "argv", ["hdmatt", *words])
        capfd.readouterr()
        code = main(words)
        return code, capfd.readouterr().err

    return run
