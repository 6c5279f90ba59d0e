"""Everything that can be named in YAML or typed is documented."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType

import pytest

from hdmatt_core import hooks
from hdmatt_core.cli.app import COMMANDS
from hdmatt_core.pipeline.find import shipped_pipelines
from hdmatt_core.registry import Registry

REGISTRY = Registry.load()
BUILT_IN = [name for name in REGISTRY.names() if REGISTRY.stage(name).distribution.startswith("hdmatt ")]
FILES = ("source", "sink")


def test_there_are_stages() -> None:
    assert {"tiler.grid", "sampler.topk", "blender.ramp"} <= set(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_stage_is_in_the_reference(name: str, generator: Callable[[str], ModuleType]) -> None:
    stage = REGISTRY.stage(name).stage
    reference = generator("stages").page(REGISTRY)
    assert f"### `{name}`\n" in reference
    first_line = generator("stages").prose(stage).partition("\n")[0]
    assert len(first_line) > 20
    assert first_line in reference


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_stage_describes_its_parameters(name: str) -> None:
    stage = REGISTRY.stage(name).stage
    given_by_the_program = {"path", "role", "depth"} if stage.kind in FILES else set()
    fields = {n: f for n, f in stage.Params.model_fields.items() if n not in given_by_the_program}
    assert {n for n, f in fields.items() if not f.description} == set()


@pytest.mark.parametrize("name", [name for name in BUILT_IN if REGISTRY.stage(name).stage.kind not in FILES])
def test_a_stage_has_its_place_in_the_method(name: str, page: Callable[[str], str]) -> None:
    assert f"`{name}`" in page("stages.md")


def test_every_hook_is_taught(page: Callable[[str], str]) -> None:
    specs = [name for name, value in vars(hooks).items() if hasattr(value, f"{hooks.PROJECT}_spec")]
    assert specs == ["hdmatt_stages"]
    for name in specs:
        assert inspect.getdoc(getattr(hooks, name))
        assert f"**`{name}`**" in page("plugin.md")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_in_the_reference(command: str, generator: Callable[[str], ModuleType]) -> None:
    section = generator("commands").page().partition(f"## hdmatt {command}\n")[2].partition("\n## ")[0]
    assert f"hdmatt {command}" in section
    options = [line for line in section.splitlines() if line.startswith("| `--")]
    assert all(line.split("|")[-2].strip() for line in options), "an option has no help"


@pytest.mark.parametrize("name", shipped_pipelines())
def test_a_shipped_pipeline_is_described(name: str, page: Callable[[str], str]) -> None:
    assert f"| `{name}` |" in page("compose.md")
