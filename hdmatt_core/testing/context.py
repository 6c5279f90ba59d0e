"""What a runtime lends to ``run``, without a runtime."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np


@dataclass(frozen=True)
class FakeContext:
    """A :class:`hdmatt_core.stage.Context` for tests: ``preset`` names the untrained network that it lends."""

    device: str = "cpu"
    dtype: str = "float32"
    seed: int = 0
    preset: str = "hdmatt-s"

    def network(self) -> Any:
        """The preset's network with random weights, the same in every call."""
        return seeded_network(self.preset)

    def random(self, slot: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, slot])


def seeded_network(preset: str = "hdmatt-s") -> Any:
    """The :class:`hdmatt_core.nn.network.HDMatt` of ``preset`` as initialised from seed 0, always the same object."""
    return _seeded(preset)


@cache
def _seeded(preset: str) -> Any:
    import torch

    from hdmatt_core.nn.network import HDMatt

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return HDMatt(preset).eval()
