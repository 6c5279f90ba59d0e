"""Small seeded networks and patches, one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.network import HDMatt
from hdmatt_core.nn.regions import downsample_regions

Patches = Callable[..., tuple[torch.Tensor, torch.Tensor]]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def model() -> HDMatt:
    """`hdmatt-s` from a seed, its batch statistics filled from one batch so that activations are of natural size."""
    torch.manual_seed(0)
    model = HDMatt("hdmatt-s").train()
    with torch.no_grad():
        for _ in range(30):
            model(*random_patches(4, 64, seed=1))
    return model.eval()


@pytest.fixture(scope="session")
def patches() -> Patches:
    """The function that draws patches: (count, side, seed) to x and regions."""
    return random_patches


def random_patches(count: int, side: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random smooth patches (count, 6, side, side) and their regions."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, side // 8, side // 8, 3)).astype(np.uint8)
    rgb = coarse.repeat(8, axis=1).repeat(8, axis=2)
    cells = rng.choice(np.array([0, 128, 255], np.uint8), (count, side // 16, side // 16))
    trimap = cells.repeat(16, axis=1).repeat(16, axis=2)
    return make_input(rgb, trimap), torch.from_numpy(downsample_regions(trimap))
