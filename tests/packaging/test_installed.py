"""An installed hdmatt, from its wheel or editable, finds its stages and its named pipelines from anywhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

WHERE = "import hdmatt_core, pathlib; print(pathlib.Path(hdmatt_core.__file__).parent)"


def test_from_the_wheel(wheel: Path, environment: Callable[..., Path], run: Callable[..., str], tmp_path: Path) -> None:
    commands = environment(wheel)
    home = Path(run(commands / "python", "-c", WHERE, cwd=tmp_path).strip())
    assert home.is_relative_to(commands.parent)
    assert (home / "_pipelines" / "hdmatt.yaml").is_file()
    run(commands / "hdmatt", "check", "hdmatt", cwd=tmp_path)


def test_editable(root: Path, environment: Callable[..., Path], run: Callable[..., str], tmp_path: Path) -> None:
    source = tmp_path / "source"
    for part in ("hdmatt_core", "plugins/hdmatt_stages", "plugins/hdmatt_images", "pipelines"):
        shutil.copytree(root / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / part, source)
    commands = environment("--editable", source)
    home = Path(run(commands / "python", "-c", WHERE, cwd=tmp_path).strip())
    assert home == source / "hdmatt_core"
    run(commands / "hdmatt", "check", "hdmatt", cwd=tmp_path)
