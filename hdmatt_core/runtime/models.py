"""One network per process, weights, device and precision: loaded at first use, never sent with a task."""

from __future__ import annotations

import threading
from typing import Any

from hdmatt_core.runtime.job import Compute

_models: dict[tuple[str, str, str], Any] = {}
_lock = threading.Lock()


def network(compute: Compute) -> Any:
    """The :class:`hdmatt_core.nn.network.HDMatt` of ``compute``, in evaluation mode on its device."""
    key = (compute.sha256, compute.device, compute.dtype)
    with _lock:
        if key not in _models:
            _models.clear()
            _models[key] = _load(compute)
        return _models[key]


def single_threaded() -> None:
    """Make torch use one thread in the calling thread: its bits depend on the number (and tasks are parallel).

    torch is asked each time, for a program around the run may have told it another number since.
    """
    import torch

    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)


def _load(compute: Compute) -> Any:
    import torch

    from hdmatt_core.nn.weights import load

    # The same bits every time, and float32 where float32 is asked for.
    torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32 = True, False
    if compute.weights is None:
        raise ValueError("a stage asked for the network of a pipeline that names no weights")
    model = load(compute.weights).folded().to(compute.device, getattr(torch, compute.dtype))
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model
