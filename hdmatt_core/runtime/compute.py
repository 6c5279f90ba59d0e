"""Where the network computes: device, precision and verified weights of a run."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Literal, get_args

from hdmatt_core.errors import HdmattWarning, UserError
from hdmatt_core.pipeline.graph import Graph
from hdmatt_core.runtime.job import Compute
from hdmatt_core.runtime.machine import FASTER, SLOWER, Machine, devices

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "float32", "bfloat16"]
DEVICES: tuple[Device, ...] = ("cuda", "mps", "cpu")
"""Best first."""


def compute_of(graph: Graph, device: Device, dtype: Precision, seed: int, workers: Sequence[Machine]) -> Compute:
    """The settings of a run on ``workers``, or in this process where there are none.

    UserError for a device that is not there or weights that do not fit the stages.
    """
    named = graph.document.weights
    if named is None or not any(node.stage.uses_network for node in graph.nodes.values()):
        return Compute(None, "", "cpu", "none", precision(dtype, ""), seed)
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
    device, unit = _present(device, workers)
    if dtype == "bfloat16" and unit == SLOWER:
        _warn_of_slowness(unit)
    return Compute(weights.absolute(), header.sha256, device, unit, precision(dtype, unit), seed)


def precision(dtype: Precision, unit: str) -> str:
    """What `auto` stands for on a card or processor; convolutions in bfloat16 take a sixth of the time with AMX."""
    if dtype not in get_args(Precision):
        raise UserError(f"dtype {dtype!r}: there are {', '.join(get_args(Precision))}")
    if dtype != "auto":
        return dtype
    return "bfloat16" if unit.endswith(FASTER) else "float32"


def _warn_of_slowness(unit: str) -> None:
    warnings.warn(
        f"--dtype bfloat16: a processor with {unit} has no instructions for it, and takes longer than in float32; "
        "without --dtype it computes in what is faster",
        HdmattWarning,
        stacklevel=3,
    )


def _present(device: Device, workers: Sequence[Machine]) -> tuple[Device, str]:
    """The device, and the card or instruction set that most workers have for it."""
    there = [machine.devices for machine in workers] or [devices()]
    if device == "auto":
        device = next(name for name in DEVICES if any(name in machine for machine in there))
    units = Counter(machine[device] for machine in there if device in machine)
    if not units:
        raise UserError(f"--device {device}: {_nowhere(workers)}; use --device cpu")
    return device, units.most_common(1)[0][0]


def _nowhere(workers: Sequence[Machine]) -> str:
    if workers:
        return f"none of the {len(workers)} workers has such a device"
    return f"torch {version('torch')} finds no such device here"
