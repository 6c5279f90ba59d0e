"""Patches through the network a few at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CPU, ACCELERATOR = 2, 8
"""Patches per forward pass: on one core more gain nothing and cost memory; an accelerator wants them."""


def batches(count: int, device: str) -> Iterator[slice]:
    """Cut ``count`` patches into runs of fixed length: part of what a run's bits depend on."""
    size = CPU if device == "cpu" else ACCELERATOR
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def precision(network: Any) -> Any:
    """Device and dtype of the network's parameters, as arguments of ``Tensor.to``."""
    parameter = next(network.parameters())
    return {"device": parameter.device, "dtype": parameter.dtype}
