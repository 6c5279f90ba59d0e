"""Patches through the network a few at a time, with bits that do not depend on which go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.stage import Array

CPU, ACCELERATOR = 2, 8
"""Patches per forward pass: on one core more gain nothing and cost memory; an accelerator wants them."""
ALONE = 288
"""Side below which torch takes another convolution for a single patch than for several (CPU)."""


def batches(count: int, device: str, patch: int) -> Iterator[NDArray[np.intp]]:
    """Cut ``count`` patches of side ``patch`` into runs of a fixed length; a small one left alone goes twice.

    On an accelerator a short run is filled up with patches of its own: what it computes with depends on the length.
    """
    size = CPU if device == "cpu" else ACCELERATOR
    for start in range(0, count, size):
        rows = np.arange(start, min(start + size, count))
        if device != "cpu":
            yield np.resize(rows, size)
        else:
            yield rows.repeat(2) if len(rows) == 1 and patch < ALONE else rows


def input_for(network: Any, image: Array, trimap: Array) -> Any:
    """The network's input (n, 6, P, P) of patches (n, P, P, 3) and their trimaps, on its device and in its dtype."""
    from hdmatt_core.nn.inputs import make_input

    where = precision(network)
    return make_input(image, trimap, where["device"]).to(where["dtype"])


def precision(network: Any) -> Any:
    """Device and dtype of the network's parameters, as arguments of ``Tensor.to``."""
    parameter = next(network.parameters())
    return {"device": parameter.device, "dtype": parameter.dtype}
