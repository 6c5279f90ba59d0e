"""Whatever is done to a good pipeline, it holds or is refused with places: never a crash, never silence."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hdmatt_core.pipeline.document import parse_document
from hdmatt_core.pipeline.faults import DocumentError, Fault
from hdmatt_core.pipeline.find import shipped_pipelines
from hdmatt_core.pipeline.graph import build_graph
from hdmatt_core.pipeline.inference import placeholders
from hdmatt_core.registry import Registry

GOOD = YAML(typ="safe", pure=True).load(shipped_pipelines()["hdmatt"].read_text(encoding="utf-8"))

WORDS = [
    "image",
    "trimap",
    "tiles",
    "encode.skips",
    "encode.nothing",
    "fuse",
    "pool.all",
    "sampler.topk",
    "sink.png",
    "",
]
VALUES = st.sampled_from([None, True, 0, -1, 3, 10**30, 1.5, float("nan"), [], {}, [1], {"k": 1}, *WORDS])
STEPS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["put", "drop", "rename", "copy"]), VALUES), min_size=1, max_size=4
)


def places(tree: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every key of the tree."""
    if not isinstance(tree, dict):
        return []
    return [place for key, value in tree.items() for place in ((*at, key), *places(value, (*at, key)))]


def mutated(steps: list[tuple[float, str, Any]]) -> dict[str, Any]:
    tree: dict[str, Any] = copy.deepcopy(GOOD)
    for where, what, value in steps:
        known = places(tree)
        if not known:
            break
        *above, key = known[min(int(where * len(known)), len(known) - 1)]
        holder = tree
        for step in above:
            holder = holder[step]
        match what:
            case "put":
                holder[key] = copy.deepcopy(value)
            case "drop":
                del holder[key]
            case "rename":
                holder[str(value)] = holder.pop(key)
            case "copy":
                holder[f"{key}2"] = copy.deepcopy(holder[key])
    return tree


@settings(max_examples=100)
@given(steps=STEPS)
def test_any_mutation_holds_or_is_refused_with_places(registry: Registry, steps: list[tuple[float, str, Any]]) -> None:
    text = json.dumps(mutated(steps), indent=1).replace("NaN", ".nan")
    faults: tuple[Fault, ...] | None = None
    try:
        document = parse_document(text, "m.yaml", Path())
        graph = build_graph(document, registry)
        specs = graph.specs(placeholders(document))
    except DocumentError as error:
        faults = error.faults
    if faults is None:
        assert {*graph.nodes} == {*document.stages}
        assert {*graph.outputs.values()} <= {*specs}
    else:
        assert faults
        assert all(1 <= fault.mark.line <= len(text.splitlines()) for fault in faults)
        assert all(fault.who or fault.what for fault in faults)
