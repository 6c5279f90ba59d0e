"""Where the network computes: device, precision and verified weights of a run."""

from __future__ import annotations

from typing import Literal

from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.graph import Graph
from hdmatt_core.runtime.job import Compute

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["float32", "bfloat16"]


def compute_of(graph: Graph, device: Device, dtype: Precision, seed: int) -> Compute:
    """The settings of a run; UserError for a device that is not there or weights that do not fit the stages."""
    named = graph.document.weights
    if named is None or not any(node.stage.uses_network for node in graph.nodes.values()):
        return Compute(None, "", "cpu", dtype, seed)
    from hdmatt_core.nn.header import read_header
    from hdmatt_core.nn.locate import resolve

    weights = resolve(named)
    header = read_header(weights)
    for node in graph.nodes.values():
        preset = getattr(node.stage, "preset", header.preset)
        if preset != header.preset:
            raise UserError(
                f"stage '{node.name}' is set for the preset '{preset}', but {weights} holds '{header.preset}'; "
                f"set {node.name}.preset={header.preset}, or name other weights"
            )
    return Compute(weights, header.sha256, _present(device), dtype, seed)


def _present(device: Device) -> str:
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, present in there.items() if present)
    if not there[device]:
        raise UserError(f"--device {device}: torch {torch.__version__} finds no such device here; use --device cpu")
    return device
