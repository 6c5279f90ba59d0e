"""A small picture with known, context and unknown tiles, and runs of it that end early or well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hdmatt_core.runtime.request import Request
from hdmatt_core.testing import Scene, scene

Make = Callable[..., Request]


@pytest.fixture(scope="session")
def picture() -> Scene:
    return scene(300, 400, seed=3, band=8)


@pytest.fixture
def request_for(weights: Path, picture: Scene, tmp_path: Path) -> Make:
    """A request that mattes the picture's file, which has an awkward name, to ``alpha.png`` beside it."""
    Image.fromarray(picture.image).save(tmp_path / "a <b> & 'c'.png")
    Image.fromarray(picture.trimap).save(tmp_path / "trimap.png")

    def make(**options: object) -> Request:
        more: Any = options.pop("overrides", ())
        settings = (f"weights={weights}", "tiles.patch=96", "tiles.overlap=16", "tiles.side=1", *more)
        return Request(
            **{
                "pipeline": "gigapixel",
                "inputs": {"image": tmp_path / "a <b> & 'c'.png", "trimap": tmp_path / "trimap.png"},
                "outputs": {"alpha": tmp_path / "alpha.png"},
                "overrides": settings,
                "memory": 3 * 10**9,
                "synchronous": True,
                **options,
            }
        )

    return make
