"""Graphs that hold: order, specs, pruning; and what is said of stages that fail."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import field_validator

from hdmatt_core.errors import StageError, UserError
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.kinds import Pool, Source
from hdmatt_core.pipeline.document import Document, load_document
from hdmatt_core.pipeline.faults import DocumentError
from hdmatt_core.pipeline.find import shipped_pipelines
from hdmatt_core.pipeline.graph import Ref, build_graph
from hdmatt_core.pipeline.inference import placeholders
from hdmatt_core.pipeline.sources import input_spec, open_source
from hdmatt_core.registry import Registry
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import API, Array, Block, Context, StageType

Parse = Callable[..., Document]
Specs = Mapping[str, ArraySpec]


class Odd(Pool):
    """A pool that infers what its parameter tells it to."""

    class Params(Pool.Params):
        """How to misbehave."""

        how: str = "well"
        file: Path | None = None

        @field_validator("how")
        @classmethod
        def _known(cls, how: str) -> str:
            if how == "refuse":
                raise ValueError("must not be 'refuse'")
            if how == "crash":
                raise ZeroDivisionError("in a validator")
            return how

    params: Params
    seen: ClassVar[list[object]] = []

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        self.seen.append(self.params.file)
        spec = ArraySpec(("tile",), specs["tiles"].shape[:1], "uint8", grid=specs["tiles"].grid)
        match self.params.how:
            case "raise":
                raise KeyError("lost")
            case "object":
                raise UserError("the image is too blue; take another", detail=["#0000ff"])
            case "forget":
                return {}
            case "contradict":
                return {"pool": replace(spec, dtype="float64")}
            case "nothing":
                return {"pool": None}  # type: ignore[dict-item]
            case "shapeless":
                return {"pool": replace(spec, shape=(1, 2))}
            case "float":
                return {"pool": replace(spec, shape=(2.5,))}  # type: ignore[arg-type]
            case "gridless":
                return {"pool": replace(spec, grid=None)}
        return {"pool": spec}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        raise AssertionError("a pixel was read")


class Film(Source):
    """A source that has metadata only."""

    class Params(Source.Params):
        """Which frame."""

        frame: int = 0

    params: Params

    @classmethod
    def accepts(cls, path: Path, head: bytes) -> bool:
        return head == b"film"

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        if self.params.frame < 0:
            raise IndexError("no such frame")
        return {"pixels": ArraySpec(("y", "x", "c"), (40, 60 + self.params.frame, 3), "uint8")}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        raise AssertionError("a pixel was read")

    def stream(self) -> Iterator[tuple[Box, Array]]:
        raise AssertionError("a pixel was read")

    def identity(self) -> dict[str, str | int]:
        raise AssertionError("the file was read")


@pytest.fixture(scope="module")
def odd(linked: Registry) -> Registry:
    """The installed stages, links and the odd ones."""
    known = [linked.stage(name) for name in linked.names()]
    mine = {"pool.odd": Odd, "source.film": Film}
    return Registry([*known, *(StageType(name, stage, API, "hdmatt-odd 0.7") for name, stage in mine.items())])


def odd_document(parse: Parse, how: str, *overrides: str) -> Document:
    return parse(
        "pipeline: 1\ninputs: {image: {kind: image, use: source.film, params: {frame: 2}}, trimap: {kind: trimap}}\n"
        "stages:\n"
        "  tiles: {use: tiler.grid, in: {image: image, trimap: trimap}}\n"
        f"  odd: {{use: pool.odd, params: {{how: {how}, file: some/file}}, in: {{tiles: tiles}}}}\n"
        "outputs: {pool: odd}\n",
        *overrides,
    )


@pytest.mark.parametrize("name", shipped_pipelines())
def test_every_shipped_pipeline_holds(name: str, registry: Registry) -> None:
    document = load_document(name)
    graph = build_graph(document, registry)
    specs = graph.specs(placeholders(document))
    assert {ref for node in graph.nodes.values() for ref in node.wires.values()} <= {*specs}
    for ref in graph.outputs.values():
        assert specs[ref].dims[:2] == ("y", "x")
        assert specs[ref].shape[:2] == (2000, 3000)


def test_stages_stand_in_topological_order_and_bare_names_mean_the_first_output(
    parse: Parse, registry: Registry
) -> None:
    graph = build_graph(parse(), registry)
    assert [*graph.nodes] == ["tiles", "near"]
    assert graph.outputs == {"pool": Ref("near", "pool"), "regions": Ref("tiles", "regions")}
    assert graph.nodes["near"].wires == {"tiles": Ref("tiles", "tiles")}
    assert str(graph.outputs["regions"]) == "tiles.regions"


def test_specs_are_those_of_the_given_inputs(parse: Parse, registry: Registry) -> None:
    graph = build_graph(parse(), registry)
    image = ArraySpec(("y", "x", "c"), (500, 400, 3), "uint16")
    specs = graph.specs({"image": image, "trimap": ArraySpec(("y", "x"), (500, 400), "uint8")})
    assert specs[Ref("image")] == image
    grid = specs[Ref("near", "pool")].grid
    assert grid is not None
    assert grid.shape == (500, 400)
    with pytest.raises(UserError, match=r"t\.yaml: input 'trimap' is not given"):
        graph.specs({"image": image})


def test_pruning_leaves_what_the_outputs_need(registry: Registry) -> None:
    graph = build_graph(load_document("hdmatt"), registry)
    alpha = graph.pruned(["alpha"])
    assert "cutout" in graph.nodes
    assert "cutout" not in alpha.nodes
    assert [*alpha.outputs] == ["alpha"]
    assert alpha.pruned([]).nodes == {}
    assert alpha.pruned([]).inputs == {}
    with pytest.raises(UserError, match=r"no output 'alhpa'; did you mean 'alpha'\?"):
        graph.pruned(["alhpa"])


def test_a_graph_travels_to_workers(parse: Parse, registry: Registry) -> None:
    graph = build_graph(parse(), registry)
    again = pickle.loads(pickle.dumps(graph))
    assert again.document == graph.document
    assert again.nodes["near"].stage.params == graph.nodes["near"].stage.params


def test_file_names_in_parameters_are_relative_to_the_document_or_with_set_to_here(
    parse: Parse, odd: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    in_file, with_set = (build_graph(odd_document(parse, "well", *o), odd) for o in ((), ("odd.file=x/y",)))
    assert in_file.nodes["odd"].stage.params.file == tmp_path / "some/file"  # type: ignore[attr-defined]  # Odd's
    assert with_set.nodes["odd"].stage.params.file == Path("/x/y")  # type: ignore[attr-defined]  # Odd's


def test_a_stage_that_objects_is_a_fault_with_its_place(parse: Parse, odd: Registry) -> None:
    document = odd_document(parse, "object")
    with pytest.raises(DocumentError) as raised:
        build_graph(document, odd).specs(placeholders(document))
    assert str(raised.value).splitlines() == [
        "t.yaml:5:3: stage 'odd' (pool.odd): the image is too blue; take another",
        "  #0000ff",
    ]


def test_a_validator_that_objects_is_a_fault_with_the_values_place(parse: Parse, odd: Registry) -> None:
    with pytest.raises(DocumentError) as raised:
        build_graph(odd_document(parse, "refuse"), odd)
    expected = """t.yaml:5:38: stage 'odd' (pool.odd), parameter 'how': must not be 'refuse', not "refuse\""""
    assert str(raised.value) == expected


@pytest.mark.parametrize(
    ("how", "doing", "told"),
    [
        ("crash", "its parameters", "ZeroDivisionError: in a validator (test_graph.py:"),
        ("raise", "infer", "KeyError: 'lost' (test_graph.py:"),
        ("forget", "infer", "TypeError: infer gave the outputs [], declared are ['pool']"),
        ("nothing", "infer", "TypeError: infer gave NoneType for output 'pool' instead of an ArraySpec"),
        ("shapeless", "infer", "TypeError: infer gave the shape (1, 2) for output 'pool' of axes tile"),
        ("float", "infer", "TypeError: infer gave the shape (2.5,) for output 'pool' of axes tile"),
        ("gridless", "infer", "TypeError: infer gave no grid for output 'pool', which is over tiles"),
        ("contradict", "infer", "TypeError: infer gave tile float64 at 1/1 for output 'pool', declared is tile uint8"),
    ],
)
def test_a_stage_that_fails_is_named_with_its_distribution(
    parse: Parse, odd: Registry, how: str, doing: str, told: str
) -> None:
    document = odd_document(parse, how)
    with pytest.raises(StageError) as raised:
        build_graph(document, odd).specs(placeholders(document))
    place = "t.yaml:5:24" if how == "crash" else "t.yaml:5:3"
    assert raised.value.message == f"{place}: stage 'odd' (pool.odd) of hdmatt-odd 0.7 failed in {doing}"
    assert raised.value.detail[0].startswith(told)
    assert raised.value.__cause__ is not None


def test_a_persons_mistakes_come_before_a_plug_ins(parse: Parse, odd: Registry) -> None:
    with pytest.raises(DocumentError, match="parameter 'patsch': no such name"):
        build_graph(odd_document(parse, "raise", "tiles.patsch=3"), odd)


def test_an_input_opens_its_source(parse: Parse, odd: Registry, tmp_path: Path) -> None:
    film = tmp_path / "f.film"
    film.write_bytes(b"film")
    document = odd_document(parse, "well")
    source = open_source(document, odd, "image", film)
    assert source.params.path == film  # type: ignore[attr-defined]  # a source's
    assert source.params.role == "image"  # type: ignore[attr-defined]  # a source's
    assert input_spec(document, odd, "image", film).shape == (40, 62, 3)
    with pytest.raises(StageError, match=r"input 'image' \(source.film\) of hdmatt-odd 0.7 failed in infer"):
        input_spec(odd_document(parse, "well", "image.frame=-1"), odd, "image", film)


def test_a_level_may_stand_behind_a_files_name(parse: Parse, odd: Registry, tmp_path: Path) -> None:
    document = odd_document(parse, "well")
    for name in ("f.film", "g.film#level=3"):
        (tmp_path / name).write_bytes(b"film")
    reduced = open_source(document, odd, "image", tmp_path / "f.film#level=2").params
    literal = open_source(document, odd, "image", tmp_path / "g.film#level=3").params
    assert (reduced.path, reduced.level) == (tmp_path / "f.film", 2)  # type: ignore[attr-defined]  # a source's
    assert (literal.path, literal.level) == (tmp_path / "g.film#level=3", 0)  # type: ignore[attr-defined]  # likewise


def test_an_inputs_own_mistakes_are_found_without_a_file(parse: Parse, odd: Registry) -> None:
    with pytest.raises(
        DocumentError, match=r"input 'image' \(source\.film\), parameter 'frome': no such name; did you"
    ):
        build_graph(odd_document(parse, "well", "image.frome=1"), odd)
    text = "pipeline: 1\ninputs: {i: {kind: image, use: pool.all}}\nstages: {a: {use: link.link, in: {a: i}}}\n"
    with pytest.raises(DocumentError) as raised:
        build_graph(parse(text + "outputs: {o: a}\n"), odd)
    assert "t.yaml:2:32: input 'i': 'pool.all' is no source; there are source." in str(raised.value)


def test_arrays_over_different_grids_do_not_meet(parse: Parse, registry: Registry) -> None:
    text = (
        "pipeline: 1\ninputs: {image: {kind: image}, trimap: {kind: trimap}}\nweights: hdmatt-s\nstages:\n"
        "  one: {use: tiler.grid, in: {image: image, trimap: trimap}}\n"
        "  two: {use: tiler.grid, params: {patch: 640}, in: {image: image, trimap: trimap}}\n"
        "  pool: {use: pool.all, in: {tiles: two}}\n"
        "  encode: {use: encoder.resnet, in: {tiles: one, pool: pool, image: image, trimap: trimap}}\n"
        "outputs: {features: encode}\n"
    )
    document = parse(text)
    with pytest.raises(DocumentError) as raised:
        build_graph(document, registry).specs(placeholders(document))
    assert str(raised.value) == (
        "t.yaml:8:56: stage 'encode' (encoder.resnet), input 'pool': "
        "'pool.pool' lies on another grid of tiles than 'one.tiles', its input 'tiles'"
    )


def test_a_network_needs_weights(parse: Parse, registry: Registry) -> None:
    text = (Path(__file__).parents[2] / "pipelines" / "hdmatt.yaml").read_text().replace("weights: hdmatt-s\n", "")
    with pytest.raises(DocumentError, match=r"^--set weights=hdmatt-z: weights: there are no weights 'hdmatt-z'"):
        build_graph(parse(text, "weights=hdmatt-z"), registry)
    with pytest.raises(DocumentError, match=r"^--set weights=w/x: weights: there are no weights '.*/w/x'"):
        build_graph(parse(text, "weights=w/x"), registry)
    with pytest.raises(DocumentError) as raised:
        build_graph(parse(text), registry)
    what = "weights: missing, but stage 'small_patches' (overview.patches) needs a network; write 'weights: hdmatt-s'"
    assert str(raised.value) == f"t.yaml:2:1: {what}"


def test_a_grid_is_what_the_parameters_say(parse: Parse, registry: Registry) -> None:
    document = parse()
    specs = build_graph(document, registry).specs(placeholders(document))
    assert specs[Ref("tiles", "tiles")].grid == Grid((2000, 3000), 320, 32)
