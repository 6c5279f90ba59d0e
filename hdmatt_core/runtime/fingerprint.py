"""What must be equal for a run to go on, named as a person would name it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from importlib.metadata import version

from hdmatt_core.kinds import Source
from hdmatt_core.pipeline.graph import Graph
from hdmatt_core.runtime.job import Compute
from hdmatt_core.storage.store import Fingerprint


def content_of(name: str) -> str:
    """What the content of the input ``name`` is called."""
    return f"input '{name}'"


def fingerprint(
    graph: Graph,
    sources: Mapping[str, Source],
    compute: Compute,
    outputs: Collection[str],
    extent: Mapping[str, str],
) -> Fingerprint:
    """Stages with their parameters and distributions, inputs by content, weights, and the arithmetic's kind.

    ``extent`` is what a run of the whole picture at its full size does not have: its region, its reduction.
    """
    parts = {content_of(name): _text(source.identity()) for name, source in sources.items()}
    for name, source in sources.items():
        spec = source.infer({})["pixels"]
        parts[f"size of input '{name}'"] = f"{spec.shape} {spec.dtype}"
    for node in graph.nodes.values():
        wires = {port: f"{ref.node}.{ref.port}" for port, ref in node.wires.items()}
        made_by = {"use": node.type.name, "of": node.type.distribution}
        parts[f"stage '{node.name}'"] = _text({**made_by, **node.stage.params.model_dump(mode="json"), "in": wires})
    parts["weights"] = compute.sha256
    parts["arithmetic"] = f"torch {version('torch')} {compute.unit} {compute.device} {compute.dtype}"
    parts["seed"] = str(compute.seed)
    parts["outputs"] = ", ".join(sorted(outputs))
    return {**parts, **extent}


def _text(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True)
