"""Documents from text, and stages that misbehave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hdmatt_core.pipeline.document import Document, parse_document
from hdmatt_core.registry import Registry

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


@pytest.fixture
def parse(tmp_path: Path) -> Callable[..., Document]:
    """A document from text, called ``t.yaml`` and lying in an empty folder, with overrides."""

    def parsed(text: str = SMALL, *overrides: str) -> Document:
        return parse_document(text, "t.yaml", tmp_path, overrides)

    return parsed
