"""Wheels of the source tree, and fresh environments that borrow the running one's packages (torch is not small)."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def run() -> Callable[..., str]:
    """Run a command to its end and give its standard output; a failure shows everything it said."""

    def run(*command: str | Path, cwd: Path, **environment: str) -> str:
        clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**clean, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory, run: Callable[..., str]) -> Path:
    """A wheel built from the source tree as it is."""
    return built("wheel", ROOT, tmp_path_factory.mktemp("wheel"), run)


@pytest.fixture(scope="session")
def build(run: Callable[..., str]) -> Callable[[str, Path, Path], Path]:
    """``build(target, source, folder)``: a wheel or an sdist of a source tree."""
    return lambda target, source, folder: built(target, source, folder, run)


@pytest.fixture(scope="session")
def install(run: Callable[..., str]) -> Callable[..., None]:
    """``install(commands, *what)``: pip installs ``what`` into the environment whose commands are in that folder."""

    def install(commands: Path, *what: str | Path, cwd: Path = ROOT) -> None:
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
        run(sys.executable, "-m", "pip", "--python", commands.parent, "install", *options, *what, cwd=cwd)

    return install


@pytest.fixture(scope="session")
def environment(
    tmp_path_factory: pytest.TempPathFactory, run: Callable[..., str], install: Callable[..., None]
) -> Callable[..., Path]:
    """``environment(*what)``: the folder of commands of a fresh environment in which pip has installed ``what``."""

    def environment(*what: str | Path) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
        own = {"base": str(folder), "platbase": str(folder)}
        borrowed = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
        (Path(sysconfig.get_path("purelib", "venv", own)) / "borrowed.pth").write_text(borrowed, encoding="utf-8")
        commands = Path(sysconfig.get_path("scripts", "venv", own))
        install(commands, *what)
        return commands

    return environment


def built(target: str, source: Path, folder: Path, run: Callable[..., str]) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=source)
    [result] = folder.iterdir()
    return result
