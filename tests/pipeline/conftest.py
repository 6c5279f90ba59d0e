"""Documents from text, and stages that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hdmatt_core.pipeline.document import Document, parse_document
from hdmatt_core.registry import Registry
from hdmatt_core.spec import ArraySpec, Input, Output
from hdmatt_core.stage import API, Array, Block, Context, Stage, StageType

ROOT = Path(__file__).parents[2]

SMALL = """\
pipeline: 1
inputs:
  image: {kind: image}
  trimap: {kind: trimap}
stages:
  near: {use: pool.near, params: {radius: 1}, in: {tiles: tiles}}
  tiles: {use: tiler.grid, in: {image: image, trimap: trimap}}
outputs: {pool: near, regions: tiles.regions}
"""


@pytest.fixture(scope="session")
def registry() -> Registry:
    """What is installed."""
    return Registry.load()


class Link(Stage):
    """A stage of a free kind with one required and two optional inputs."""

    kind = "link"
    a = Input(("y", "x"))
    b = Input(("y", "x"), optional=True)
    c = Input(("y", "x"), optional=True)
    made = Output(("y", "x"))

    def infer(self, specs: Mapping[str, ArraySpec]) -> dict[str, ArraySpec]:
        return {"made": specs["a"]}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        raise AssertionError("a pixel was read")


@pytest.fixture(scope="session")
def linked(registry: Registry) -> Registry:
    """The installed stages and links."""
    installed = [registry.stage(name) for name in registry.names()]
    return Registry([*installed, StageType("link.link", Link, API, "hdmatt-odd 0.7")])


@pytest.fixture
def parse(tmp_path: Path) -> Callable[..., Document]:
    """A document from text, called ``t.yaml`` and lying in an empty folder, with overrides."""

    def parsed(text: str = SMALL, *overrides: str) -> Document:
        return parse_document(text, "t.yaml", tmp_path, overrides)

    return parsed
