"""From a request to everything that is settled by metadata alone: graph, sources, sinks, specs, passes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import About, Role, Sink, Source
from hdmatt_core.pipeline.document import load_document
from hdmatt_core.pipeline.graph import Graph, Ref, build_graph
from hdmatt_core.pipeline.inputs import InputPlan, read_inputs
from hdmatt_core.pipeline.passes import Pass, lay_out, survey_of
from hdmatt_core.pipeline.plan import Outline, Work
from hdmatt_core.registry import Registry
from hdmatt_core.runtime.compute import compute_of
from hdmatt_core.runtime.enlarged import Shape, at_the_images_size, shape_of
from hdmatt_core.runtime.fingerprint import fingerprint
from hdmatt_core.runtime.inputs import plan_input, source_of
from hdmatt_core.runtime.job import Compute
from hdmatt_core.runtime.machine import Machine
from hdmatt_core.runtime.outputs import Depth, open_sink
from hdmatt_core.runtime.reduced import ReducedSource, plan_of, reduced
from hdmatt_core.runtime.region import box_of, check_outputs, coarser_box, cropped, text_of
from hdmatt_core.runtime.request import Request
from hdmatt_core.spec import ArraySpec
from hdmatt_core.storage.store import Fingerprint


@dataclass(frozen=True)
class Prepared:
    """A request that holds: nothing in it is wrong as far as metadata tells, and no pixel was read."""

    request: Request
    graph: Graph
    sources: Mapping[str, Source]
    inputs: Mapping[str, InputPlan]
    region: Box | None  # of the outputs, in their pixels
    sinks: Mapping[str, Sink]
    specs: Mapping[Ref, ArraySpec]
    passes: tuple[Pass, ...]
    survey: tuple[int, ...]
    compute: Compute

    @property
    def outputs(self) -> frozenset[Ref]:
        return frozenset(self.graph.outputs[name] for name in self.request.outputs)

    def fingerprint(self) -> Fingerprint:
        extent = {} if self.region is None else {"region": text_of(self.region)}
        if self.request.preview > 1:
            extent["preview"] = f"1/{self.request.preview}"
        return fingerprint(self.graph, self.sources, self.compute, self.request.outputs, extent)

    def outline(self, work: Work | None) -> Outline:
        """What the plan divides memory for, once the tiles are counted."""
        writing = [sink.write_bytes(self.spec_of(name)) for name, sink in self.sinks.items()]
        return Outline(
            self.graph,
            self.specs,
            self.passes,
            self.survey,
            work,
            self.inputs,
            self.region,
            writing=max(writing, default=0),
        )

    def spec_of(self, output: str) -> ArraySpec:
        """What is written of an output: all of it, or the region."""
        return cropped(self.specs[self.graph.outputs[output]], self.region)

    def about(self) -> About:
        """What the outputs take over from the image."""
        kinds = {name: node.kind for name, node in self.graph.inputs.items()}
        images = [source for name, source in self.sources.items() if kinds[name] == "image"]
        about = images[0].about() if images else About()
        return about if self.region is None else replace(about, offset=(self.region.start[0], self.region.start[1]))


def check_settings(request: Request, outputs: Collection[str]) -> None:
    """Raise UserError for what is wrong with pipeline, settings, weights or device, whatever the inputs are.

    Weights and device need to fit those stages alone that ``outputs`` want.
    """
    graph = build_graph(load_document(request.pipeline, request.overrides), Registry.load()).pruned(outputs)
    if request.scheduler is None:  # a cluster's devices are known when it is asked
        compute_of(graph, request.device, request.dtype, request.seed, ())


def prepare(request: Request, workers: Sequence[Machine] = ()) -> Prepared:
    """Validate the whole request; UserError (all faults of a pipeline at once) if it does not hold.

    ``workers`` are those of a cluster, where it is to run on one.
    """
    registry = Registry.load()
    document = load_document(request.pipeline, request.overrides)
    graph = build_graph(document, registry)
    _same_names("input", request.inputs, graph.inputs)
    _same_names("output", request.outputs, graph.outputs)
    graph = graph.pruned(request.outputs)
    given = {name: value for name, value in request.inputs.items() if name in graph.inputs}
    _all_given(graph, given)
    _apart(request, given)
    opened = {name: source_of(document, registry, name, value) for name, value in given.items()}
    roles = {name: graph.inputs[name].kind for name in opened}
    full = at_the_images_size(opened, roles)
    shape = shape_of(next((s for n, s in full.items() if roles[n] == "image"), next(iter(full.values()))))
    sources, inputs = _at_the_size_asked_for(request, full, roles)
    specs = graph.specs({name: plan.spec for name, plan in inputs.items()})
    region = _region(request, graph, specs, shape)
    sinks = {
        name: open_sink(registry, name, path, request.depth, cropped(specs[graph.outputs[name]], region))
        for name, path in request.outputs.items()
        if path is not None
    }
    outputs = frozenset(graph.outputs[name] for name in request.outputs)
    passes = lay_out(graph, specs, outputs)
    compute = compute_of(graph, request.device, request.dtype, request.seed, workers)
    return Prepared(
        request, graph, sources, inputs, region, sinks, specs, passes, survey_of(graph, specs, passes), compute
    )


def _at_the_size_asked_for(
    request: Request, sources: Mapping[str, Source], roles: Mapping[str, Role]
) -> tuple[Mapping[str, Source], dict[str, InputPlan]]:
    """The sources, reduced for a preview, and how they are read."""
    if request.depth not in (None, *get_args(Depth)):
        raise UserError(f"depth {request.depth!r}: there are {', '.join(get_args(Depth))}")
    if not isinstance(request.preview, int) or request.preview < 1:
        raise UserError(f"preview {request.preview}: give a whole number, 8 for 1/8 of the sides")
    if request.preview > 1:
        sources = {name: reduced(source, request.preview, roles[name]) for name, source in sources.items()}
    read = {name: plan_input(s.inner if isinstance(s, ReducedSource) else s) for name, s in sources.items()}
    read = read_inputs(read, request.resources())
    return sources, {name: plan_of(source, read[name]) for name, source in sources.items()}


def _region(request: Request, graph: Graph, specs: Mapping[Ref, ArraySpec], shape: Shape) -> Box | None:
    """The region of the outputs that is asked for, ``shape`` (H, W) being the image's at its full size."""
    if request.roi is None:
        return None
    region = coarser_box(box_of(request.roi, shape), request.preview)
    check_outputs(graph, specs, coarser_box(Box((0, 0), shape), request.preview).shape)
    return region


def _same_names(what: str, given: Mapping[str, object], known: Mapping[str, object]) -> None:
    for name in given:
        if name not in known:
            raise UserError(f"the pipeline has no {what} '{name}'; it has: {', '.join(known)}")


def _apart(request: Request, given: Mapping[str, object]) -> None:
    """UserError where two outputs have one path, or writing one would take an input away."""
    written: dict[Path, str] = {}
    read = {Path(str(path).partition("#")[0]).resolve(): name for name, path in given.items() if isinstance(path, Path)}
    for name, path in request.outputs.items():
        if path is None:
            continue
        whole = path.resolve()
        if whole in written:
            raise UserError(f"{path}: is to be both '{written[whole]}' and '{name}'; give each a path of its own")
        if any(whole in (file, *file.parents) for file in read):
            raise UserError(f"{path}: is an input, or holds one, and would be lost; give another output")
        written[whole] = name


def _all_given(graph: Graph, given: Mapping[str, object]) -> None:
    missing = [name for name in graph.inputs if name not in given]
    if missing:
        raise UserError(f"the pipeline's input '{missing[0]}' is not given; add -i {missing[0]}=PATH")
