"""What tests of several packages share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("hdmatt", deadline=None)  # a machine that is busy is no fault of what is tested
settings.load_profile("hdmatt")


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the small preset as they are before training: the runtime does not care how good they are."""
    import torch

    from hdmatt_core.nn.network import HDMatt
    from hdmatt_core.nn.weights import save

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    save(HDMatt("hdmatt-s"), path, commit="0" * 40, data="none: random")
    return path
