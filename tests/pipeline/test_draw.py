"""Drawings and schemas of what is installed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from hdmatt_core.pipeline.document import Document, load_document
from hdmatt_core.pipeline.draw import draw, fenced
from hdmatt_core.pipeline.find import shipped_pipelines
from hdmatt_core.pipeline.graph import build_graph
from hdmatt_core.pipeline.inference import placeholders
from hdmatt_core.pipeline.passes import lay_out
from hdmatt_core.pipeline.schema import DIALECT, json_schema, schema_text
from hdmatt_core.registry import Registry

Parse = Callable[..., Document]


def drawn(document: Document, registry: Registry) -> str:
    graph = build_graph(document, registry)
    return draw(graph, graph.specs(placeholders(document)))


def test_a_small_pipeline(parse: Parse, registry: Registry) -> None:
    assert drawn(parse(), registry) == (
        "flowchart TD\n"
        '    in_image[/"image<br/><i>image</i>"/]\n'
        '    in_trimap[/"trimap<br/><i>trimap</i>"/]\n'
        '    do_tiles[["tiles<br/><i>tiler.grid</i>"]]\n'
        '    do_near[["near<br/><i>pool.near</i>"]]\n'
        '    out_pool(["pool"])\n'
        '    out_regions(["regions"])\n'
        '    in_image -->|"y,x,c=3 uint8"| do_tiles\n'
        '    in_trimap -->|"y,x uint8"| do_tiles\n'
        '    do_tiles -->|"tiles: tile,c=3 int32"| do_near\n'
        '    do_near -->|"pool: tile uint8"| out_pool\n'
        '    do_tiles -->|"regions: tile,y,x uint8 at 1/16"| out_regions\n'
    )


def test_passes_frame_the_stages_of_one_task(registry: Registry) -> None:
    graph = build_graph(load_document("hdmatt"), registry)
    specs = graph.specs(placeholders(graph.document))
    text = draw(graph, specs, lay_out(graph, specs, graph.outputs.values()))
    frames = re.findall(r"subgraph pass_\d+\[\"(.*?)\"\]\n(.*?)\n    end", text, re.S)
    assert [(title, re.findall(r"do_(\w+)[\[{]", inside)) for title, inside in frames[-4:-2]] == [
        ("pass 14: queries and context, block by block", ["encode"]),
        ("pass 15: queries, block by block", ["pick", "fuse", "decode"]),
    ]
    assert re.findall(r"do_(\w+) -\.->.*do_(\w+)", text) == [("encode", "decode")]


@pytest.mark.parametrize("name", shipped_pipelines())
def test_every_wire_of_a_shipped_pipeline_is_in_its_drawing(name: str, registry: Registry) -> None:
    document = load_document(name)
    text = drawn(document, registry)
    edges = {(a, b): label for a, label, b in re.findall(r"^    (\w+) -->\|\"(.*)\"\| (\w+)$", text, re.M)}
    shapes = re.findall(r"^    (\w+)[\[({]", text, re.M)
    assert len(shapes) == len({*shapes}) == len(document.inputs) + len(document.stages) + len(document.outputs)
    for reader, stage in document.stages.items():
        for reference in stage.wires.values():
            source, _, port = reference.partition(".")
            start = f"in_{source}" if source in document.inputs else f"do_{source}"
            assert port in edges[start, f"do_{reader}"]
    assert {a for a, _ in edges} | {b for _, b in edges} == {*shapes}


def test_a_fence_makes_it_markdown() -> None:
    assert fenced("flowchart TD\n") == "```mermaid\nflowchart TD\n```\n"


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator(registry: Registry) -> jsonschema.Draft202012Validator:
    schema = json.loads(schema_text(registry))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", shipped_pipelines())
def test_shipped_pipelines_satisfy_the_schema(name: str, validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(read(shipped_pipelines()[name]))


MISTAKES = {
    "an unknown stage": lambda d: d["stages"]["pool"].update(use="pool.al"),
    "an unknown parameter": lambda d: d["stages"]["pick"].update(params={"kk": 3}),
    "a parameter of the wrong type": lambda d: d["stages"]["pick"].update(params={"k": "three"}),
    "a parameter out of range": lambda d: d["stages"]["pick"].update(params={"k": 0}),
    "a port left out": lambda d: d["stages"]["decode"]["in"].pop("skips"),
    "no port at all": lambda d: d["stages"]["decode"].pop("in"),
    "an unknown port": lambda d: d["stages"]["decode"]["in"].update(skip="encode.skips"),
    "no reference": lambda d: d["outputs"].update(alpha="blend."),
    "an unknown section": lambda d: d.update(stage={}),
    "another version": lambda d: d.update(pipeline=2),
    "an unknown role": lambda d: d["inputs"].update(image={"kind": "picture"}),
    "a sampler as a source": lambda d: d["inputs"].update(image={"kind": "image", "use": "sampler.topk"}),
    "a name with a dot": lambda d: d["stages"].update({"a.b": {"use": "pool.all", "in": {"tiles": "tiles"}}}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_schema_finds(mistake: str, validator: jsonschema.Draft202012Validator) -> None:
    document = read(shipped_pipelines()["hdmatt"])
    MISTAKES[mistake](document)
    assert len([*validator.iter_errors(document)]) >= 1


def test_every_installed_stage_and_parameter_is_in_the_schema(registry: Registry) -> None:
    schema = json_schema(registry)
    stages = schema["$defs"]["stage"]
    named = {each["const"] for each in stages["properties"]["use"]["oneOf"]}
    assert named == {name for name in registry.names() if not name.startswith(("source.", "sink."))}
    for rule in stages["allOf"]:
        type_ = registry.stage(rule["if"]["properties"]["use"]["const"])
        then: Mapping[str, Any] = rule["then"]["properties"]
        reference = then["params"]["anyOf"][0]["$ref"].rsplit("/", 1)[1]
        assert {*schema["$defs"][reference].get("properties", {})} == {*type_.stage.Params.model_fields}
        assert {*then["in"]["properties"]} == {*type_.stage.inputs}
