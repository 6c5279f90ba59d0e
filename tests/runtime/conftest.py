"""A small picture, and a request that mattes it with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hdmatt_core.runtime.request import Request
from hdmatt_core.testing import Scene, scene


@pytest.fixture(scope="session")
def picture() -> Scene:
    """700 x 1100: blocks of four tiles, some of them known, borders that patches reach beyond."""
    return scene(700, 1100, seed=3)


@pytest.fixture
def request_for(weights: Path, picture: Scene) -> Callable[..., Request]:
    """A request for small tiles of the picture; keyword arguments as in Request."""

    def make(**options: object) -> Request:
        settings = (f"weights={weights}", "tiles.patch=96", "tiles.overlap=16", "tiles.side=2")
        return Request(
            **{
                "pipeline": "hdmatt",
                "inputs": {"image": picture.image, "trimap": picture.trimap},
                "outputs": {"alpha": None},
                "dtype": "float32",
                "overrides": (*settings, *options.pop("settings", ())),  # type: ignore[misc]
                **options,
            }
        )

    return make


@pytest.fixture(scope="session")
def known(picture: Scene) -> np.ndarray:
    return picture.trimap != 128
