"""Patches through the network a few at a time, with bits that do not depend on which go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.stage import Array

CPU, ACCELERATOR = 2, 8
"""Patches per forward pass: small ones on one core, where more gain nothing; an accelerator wants them."""
ALONE = 288
"""Side below which torch takes another convolution for a single patch than for several (CPU); from there on each goes
alone, for two take as long as one after the other, and twice the memory."""
LARGE = 320
"""Side up to which an accelerator takes the whole number; of larger ones as many pixels."""


def batches(count: int, device: str, patch: int) -> Iterator[NDArray[np.intp]]:
    """Cut ``count`` patches of side ``patch`` into runs of a fixed length; a small one left alone goes twice.

    On an accelerator a short run is filled up with patches of its own: what it computes with depends on the length.
    """
    size = at_once(patch, device)
    for start in range(0, count, size):
        rows = np.arange(start, min(start + size, count))
        if device != "cpu":
            yield np.resize(rows, size)
        else:
            yield rows.repeat(2) if len(rows) == 1 and patch < ALONE else rows


def at_once(patch: int, device: str) -> int:
    """How many patches of side ``patch`` go through the network together."""
    if device == "cpu":
        return CPU if patch < ALONE else 1
    return max(1, min(ACCELERATOR, ACCELERATOR * LARGE**2 // patch**2))


def host_bytes(patch: int, processor: int, accelerator: int) -> int:
    """Bytes of memory for one pass, wherever it computes: of a patch where a processor does, and an accelerator."""
    return max(at_once(patch, "cpu") * processor, at_once(patch, "accelerator") * accelerator)


def input_for(network: Any, image: Array, trimap: Array) -> Any:
    """The network's input (n, 6, P, P) of patches (n, P, P, 3) and their trimaps, on its device and in its dtype."""
    from hdmatt_core.nn.inputs import make_input

    where = precision(network)
    return make_input(image, trimap, where["device"]).to(where["dtype"])


def precision(network: Any) -> Any:
    """Device and dtype of the network's parameters, as arguments of ``Tensor.to``."""
    parameter = next(network.parameters())
    return {"device": parameter.device, "dtype": parameter.dtype}
