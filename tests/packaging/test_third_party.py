"""Plug-ins that are projects of their own: installed by pip, named in one line of YAML, and harmless when broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hdmatt_core.testing import scene

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROJECTS = [*sorted((ROOT / "plugins").glob("hdmatt-*")), ROOT / "docs" / "examples" / "hdmatt-apart"]
SWAPS = {"sampler.nearby": "sampler.topk", "sampler.apart": "sampler.topk", "blender.laplacian": "blender.ramp"}
"""Stages of the projects, and the built-in stage of the paper's pipeline that each takes the place of."""


@pytest.fixture(scope="module")
def commands(wheel: Path, environment: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with hdmatt from its wheel, every stand-alone project, and a distribution that raises."""
    return environment(wheel, *PROJECTS, broken_project(tmp_path_factory.mktemp("broken")))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two photographs and trimaps: one large enough for patches to choose among, and a tiny one."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, made in {"": scene(900, 900, band=8), "tiny-": scene(120, 160)}.items():
        Image.fromarray(made.image).save(folder / f"{name}photo.png")
        Image.fromarray(made.trimap).save(folder / f"{name}trimap.png")
    return folder


def broken_project(folder: Path) -> Path:
    (folder / "hdmatt_broken.py").write_text("raise RuntimeError('this plug-in is broken')\n", encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "hdmatt-broken"\nversion = "0.3"\n'
        '[project.entry-points.hdmatt]\nbroken = "hdmatt_broken"\n'
        '[tool.hatch.build.targets.wheel]\ninclude = ["hdmatt_broken.py"]\n',
        encoding="utf-8",
    )
    return folder


def matte(commands: Path, run: Callable[..., str], pictures: Path, pipeline: str, size: str = "") -> np.ndarray:
    name = f"{Path(pipeline).stem}.tif"
    words = (
        "matte",
        f"{size}photo.png",
        f"{size}trimap.png",
        "--overwrite",
        "--depth",
        "float",
        "--pipeline",
        pipeline,
        "-o",
        name,
    )
    run(commands / "hdmatt", *words, cwd=pictures)
    with Image.open(pictures / name) as alpha:
        return np.asarray(alpha)


@pytest.fixture(scope="module")
def plain(commands: Path, run: Callable[..., str], pictures: Path) -> np.ndarray:
    """The matte of the paper's pipeline, made beside a broken distribution."""
    return matte(commands, run, pictures, "hdmatt")


def test_a_broken_distribution_harms_nobody(plain: np.ndarray, commands: Path, run: Callable[..., str]) -> None:
    assert 0 < plain.mean() < 1
    told = run(commands / "hdmatt", "plugins", cwd=commands)
    assert "hdmatt-broken 0.3" in told
    assert "this plug-in is broken" in told


@pytest.mark.parametrize(("stage", "built_in"), SWAPS.items())
def test_one_line_of_yaml_changes_the_result(
    stage: str, built_in: str, plain: np.ndarray, commands: Path, run: Callable[..., str], pictures: Path
) -> None:
    text = (ROOT / "pipelines" / "hdmatt.yaml").read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    at = max(number for number, line in enumerate(lines) if line == f"    use: {built_in}\n")  # the full size's
    changed = "".join([*lines[:at], f"    use: {stage}\n", *lines[at + 1 :]])
    (pictures / f"{stage}.yaml").write_text(changed, encoding="utf-8")
    other = matte(commands, run, pictures, f"{stage}.yaml")
    assert other.shape == plain.shape
    assert (other != plain).any()


def test_a_free_kind_mattes_without_the_network(commands: Path, run: Callable[..., str], pictures: Path) -> None:
    pipeline = ROOT / "plugins" / "hdmatt-pymatting" / "closed-form.yaml"
    solved = matte(commands, run, pictures, str(pipeline), "tiny-")
    with Image.open(pictures / "tiny-trimap.png") as image:
        trimap = np.asarray(image)
    assert np.array_equal(solved[trimap != 128], trimap[trimap != 128] / 255)
    assert 0 < solved[trimap == 128].mean() < 1


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_its_own_tests_pass(project: Path, commands: Path, run: Callable[..., str]) -> None:
    options = ("-p", "no:cacheprovider", "-c", "pyproject.toml", "--rootdir", ".")
    assert " passed" in run(commands / "python", "-m", "pytest", *options, ".", cwd=project)
