"""Documents: form, marks, overrides, paths, and where shipped pipelines are found."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

import hdmatt_core
from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.document import Document, load_document, parse_document
from hdmatt_core.pipeline.faults import DocumentError, Fault, Mark
from hdmatt_core.pipeline.find import find_pipeline, shipped_pipelines

ROOT = Path(__file__).parents[2]
Parse = Callable[..., Document]

SMALL = "pipeline: 1\ninputs: {i: {kind: image}}\nstages: {near: {use: p.n, params: {radius: 1}}}\noutputs: {o: near}\n"


def said(document: Document) -> list[str]:
    return [fault.head(document.file) for fault in document.faults]


def test_a_document_and_its_marks(parse: Parse) -> None:
    document = parse()
    assert said(document) == []
    assert document.stages["near"].use == "pool.near"
    assert document.stages["near"].wires == {"tiles": "tiles"}
    assert document.mark(("stages", "near", "in", "tiles")) == Mark(6, 59)
    assert document.place(("stages", "near")) == "t.yaml:6:3"
    dumped = document.model_dump(mode="json", by_alias=True)
    assert dumped["stages"]["tiles"]["in"] == {"image": "image", "trimap": "trimap"}


def test_a_document_is_frozen_and_travels(parse: Parse) -> None:
    document = parse()
    with pytest.raises(ValidationError):
        document.weights = "x"  # type: ignore[misc]  # that is the point
    again = pickle.loads(pickle.dumps(document))
    assert again == document
    assert again.place(("stages", "near")) == "t.yaml:6:3"


def test_overrides_come_last_and_bear_their_own_place(parse: Parse) -> None:
    document = parse(
        "pipeline: 1\ninputs: {i: {kind: image}}\noutputs: {o: a}\n"
        "stages:\n  a: {use: pool.near, params: {k: {x: 1}}}\n  b: {use: c.d}\n",
        "a.k=5",
        "b.deep.er=[1, two]",
        "weights=hdmatt-r34",
        "i.level=2",
        "a.k=6",
    )
    assert said(document) == []
    assert document.stages["a"].params == {"k": 6}
    assert document.stages["b"].params == {"deep": {"er": [1, "two"]}}
    assert document.inputs["i"].params == {"level": 2}
    assert document.weights == "hdmatt-r34"
    assert document.place(("stages", "a", "params", "k", "x")) == "--set a.k=6"
    assert document.place(("stages", "b")) == "t.yaml:6:3"


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("near.radius", "write stage.parameter=value or weights=value"),
        ("near=5", "write stage.parameter=value or weights=value"),
        ("near..radius=5", "write stage.parameter=value or weights=value"),
        ("naer.radius=5", "no stage 'naer'; did you mean 'near'?"),
        ("near.radius=[5", "not YAML: expected ',' or ']'"),
        ("near.radius.x=5", "'radius' holds no parameters"),
        ("weights=", None),
    ],
)
def test_overrides_that_cannot_be(parse: Parse, setting: str, what: str | None) -> None:
    document = parse(SMALL, setting)
    assert [line.startswith(f"--set {setting}: {what}") for line in said(document)] == [True] * (what is not None)


def test_weights_that_are_a_file_are_found_beside_the_document_or_here(
    tmp_path: Path, parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    text = f"weights: w.safetensors\n{SMALL}"
    assert parse(text).weights == str(tmp_path / "w.safetensors")
    assert parse(text, "weights=w.safetensors").weights == str(here / "w.safetensors")
    assert parse(text, "weights=hdmatt-s").weights == "hdmatt-s"


def test_faults_of_form_leave_the_rest_readable(parse: Parse) -> None:
    document = parse("pipeline: 1\ninputs: {i: {kind: image}, j: 3}\nstages: {a: {use: p.n}, b: {}}\noutputs: {o: a}\n")
    assert [*document.inputs, *document.stages] == ["i", "a"]
    assert document.broken == {("inputs", "j"), ("stages", "b"), ("stages", "b", "use")}
    assert said(document) == [
        "t.yaml:2:31: input 'j': must be a mapping, not 3",
        "t.yaml:3:28: stage 'b', 'use': is missing",
    ]


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list", "3"])
def test_a_text_without_sections_is_refused(parse: Parse, text: str) -> None:
    with pytest.raises(DocumentError, match=r"^t\.yaml:1:1: a pipeline holds the sections pipeline, weights, inputs"):
        parse(text)


def test_missing_sections_are_all_named(parse: Parse) -> None:
    assert said(parse("weights: hdmatt-s\nstages: {}\n")) == [
        "t.yaml:1:1: the version of the format is missing; begin with 'pipeline: 1'",
        "t.yaml:1:1: inputs: is missing",
        "t.yaml:2:9: stages: must be a mapping of names, not {}",
        "t.yaml:1:1: outputs: is missing",
    ]


def test_several_faults_are_sorted_and_survive_pickling() -> None:
    faults = [
        Fault(Mark(0, 0, "a.b=c"), "", "last"),
        Fault(Mark(9, 1), "", "later"),
        Fault(Mark(2, 5), "who", "what", ("detail",)),
        Fault(Mark(9, 1), "", "later"),
    ]
    error = pickle.loads(pickle.dumps(DocumentError("f.yaml", faults)))
    assert str(error).splitlines() == [
        "3 faults in f.yaml",
        "  f.yaml:2:5: who: what",
        "    detail",
        "  f.yaml:9:1: later",
        "  --set a.b=c: last",
    ]


def test_shipped_pipelines_are_found_in_both_kinds_of_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_pipeline("hdmatt") == ROOT / "pipelines" / "hdmatt.yaml"
    package = tmp_path / "site-packages" / "hdmatt_core"
    (package / "_pipelines").mkdir(parents=True)
    (package / "_pipelines" / "inside.yaml").touch()
    (package.parent / "pipelines").mkdir()
    (package.parent / "pipelines" / "beside.yaml").touch()
    monkeypatch.setattr(hdmatt_core, "__file__", str(package / "__init__.py"))
    assert list(shipped_pipelines()) == ["inside"]


def test_pipelines_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^no pipeline 'hdmat'; did you mean 'hdmatt'\?; there are .*hdmatt"):
        find_pipeline("hdmat")
    with pytest.raises(UserError, match=r"^hdmat\.yaml: no such pipeline file; did you mean 'hdmatt'\?"):
        find_pipeline("hdmat.yaml")
    with pytest.raises(UserError, match=r"folder, not a pipeline file"):
        find_pipeline(tmp_path)
    Path("mine").touch()
    with pytest.raises(UserError, match=r"no pipeline 'mine'; is it the file './mine'\?"):
        find_pipeline("mine")
    Path("picture.yaml").write_bytes(b"\x89PNG\xff")
    with pytest.raises(UserError, match=r"picture\.yaml: not a text file in UTF-8, so no pipeline"):
        load_document("picture.yaml")


def test_a_file_is_shown_as_it_lies_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "p.yaml").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    assert load_document(tmp_path / "sub" / "p.yaml").file == "sub/p.yaml"
    monkeypatch.chdir(tmp_path / "sub")
    assert load_document("../sub/p.yaml").file == "p.yaml"


def test_text_can_be_parsed_without_a_file(tmp_path: Path) -> None:
    assert parse_document(SMALL, "made", tmp_path).file == "made"
