"""What every stage has to keep, as tests that an author's class inherits."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

import numpy as np
from pydantic import ValidationError

from hdmatt_core import kinds
from hdmatt_core.geometry import Box
from hdmatt_core.registry.screening import NAME
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import All, Array, Context, Gather, Own, Rows, Stage, Target, Window
from hdmatt_core.testing.context import FakeContext
from hdmatt_core.testing.serving import Given, block_of, run_stage, specs_of, whole_target
from hdmatt_core.testing.standard import standard_inputs

SLACK = 256 * 1024
"""Bytes of small objects that no stage need count."""


class StageConformance:
    """Subclass it in a test module, set ``name``, ``stage`` and ``params``; pytest finds the tests.

    For a free kind, and for inputs of your own, override :meth:`given`.
    """

    name: ClassVar[str]
    stage: ClassVar[type[Stage]]
    params: ClassVar[Mapping[str, Any]] = {}

    def given(self) -> Mapping[str, Given]:
        """The inputs by port name; by default those of :func:`hdmatt_core.testing.standard_inputs`."""
        return standard_inputs(self.stage.kind)

    def context(self) -> Context:
        return FakeContext()

    def built(self) -> Stage:
        return self.stage(self.stage.Params(**self.params))

    def specs(self) -> dict[str, ArraySpec]:
        return self.built().infer(specs_of(self.given()))

    def run(self, target: Target | None = None, wanted: Sequence[str] | None = None) -> dict[str, Array]:
        return run_stage(self.built(), self.given(), target, self.context(), wanted)

    def target(self) -> Target:
        return whole_target(self.built(), self.given())

    def test_name_begins_with_the_kind(self) -> None:
        assert NAME.fullmatch(self.name), f"'{self.name}' is not of the form kind.word"
        assert self.name.split(".")[0] == self.stage.kind, f"'{self.name}' is of kind '{self.stage.kind}'"

    def test_stage_and_params_are_documented(self) -> None:
        assert "__doc__" in vars(self.stage), f"{self.stage.__name__} has no docstring"
        assert (self.stage.__doc__ or "").strip(), f"{self.stage.__name__} has an empty docstring"
        for port, declared in {**self.stage.inputs, **self.stage.outputs}.items():
            assert declared.doc or self.stage.kind in kinds.KINDS, f"port '{port}' has no doc"

    def test_ports_are_those_of_the_kind(self) -> None:
        base = next((c for c in vars(kinds).values() if _is_kind(c) and c.kind == self.stage.kind), self.stage)
        assert self.stage.outputs, "a stage has at least one output"
        assert dict(self.stage.inputs) == dict(base.inputs)
        assert dict(self.stage.outputs) == dict(base.outputs)

    def test_unknown_parameters_are_refused(self) -> None:
        try:
            self.stage.Params(**{**self.params, "no_such_parameter": 1})
        except ValidationError:
            return
        raise AssertionError(f"{self.stage.__name__}.Params takes any name; derive it from the base's Params")

    def test_outputs_are_as_inferred(self) -> None:
        specs, target, made = self.specs(), self.target(), self.run()
        assert set(specs) == set(self.stage.outputs), "infer names other outputs than are declared"
        assert set(made) == set(specs), "run gives other outputs than infer"
        for port, spec in specs.items():
            assert self.stage.outputs[port].accepts(spec), f"'{port}' is declared otherwise than {spec.describe()}"
            assert made[port].dtype.name == spec.dtype, f"'{port}' has dtype {made[port].dtype}, inferred {spec.dtype}"
            assert made[port].shape == _expected(spec, target), f"'{port}' has shape {made[port].shape}"

    def test_needs_ask_for_wired_inputs_in_fitting_ways(self) -> None:
        specs = specs_of(self.given())
        for port, request in self.built().needs(self.target(), specs).items():
            assert port in specs, f"'{port}' is not wired"
            if isinstance(request, Window):
                assert not specs[port].over_tiles, f"'{port}' is over tiles: ask for Rows"
                assert len(request.box.start) == 2, "a window is a box (y, x)"
            elif isinstance(request, Gather):
                assert request.index in specs, f"'{port}' is gathered by '{request.index}', which is not wired"
            elif isinstance(request, Rows):
                assert specs[port].over_tiles, f"'{port}' is not over tiles: ask for a Window"
            else:
                assert isinstance(request, Own | All), f"{request!r} is no request"

    def test_running_twice_gives_the_same_bits(self) -> None:
        _assert_same(self.run(), self.run())

    def test_an_output_does_not_depend_on_which_others_are_wanted(self) -> None:
        whole = self.run()
        for port in self.stage.outputs:
            alone = self.run(wanted=[port])
            assert port in alone, f"'{port}' was wanted and is missing"
            _assert_same({port: alone[port]}, {port: whole[port]})

    def test_parts_equal_the_whole(self) -> None:
        whole, target = self.run(), self.target()
        for part in self.parts(target):
            _assert_same(self.run(part), {port: _cut(array, target, part) for port, array in whole.items()})

    def parts(self, target: Target) -> list[Target]:
        """Parts of the whole target that a plan may ask for alone; a stage made in one piece has none but itself."""
        if self.stage.whole:
            return [target]
        if len(target.box.start) == 1:
            middle = target.box.stop[0] // 2
            first, last = (tuple(s for s in target.slots if (s < middle) is low) for low in (True, False))
            return [Target(Box((0,), (middle,)), first), Target(Box((middle,), target.box.stop), last)]
        (height, width), (y, x) = target.box.stop, (target.box.stop[0] // 3, target.box.stop[1] // 2)
        boxes = Box((0, 0), (y, width)), Box((y, 0), (height, x)), Box((y, x), (height, width))
        return [Target(box) for box in boxes]

    def test_inputs_are_left_as_they_are(self) -> None:
        given = self.given()
        before = {port: source.array.copy() for port, source in given.items()}
        run_stage(self.built(), given, None, self.context())
        _assert_same({port: source.array for port, source in given.items()}, before)

    def test_scratch_is_a_number_of_bytes(self) -> None:
        scratch = self.built().scratch(self.target(), specs_of(self.given()))
        assert isinstance(scratch, int), f"scratch gives {scratch!r}"
        assert scratch >= 0, f"scratch gives {scratch}"

    def test_scratch_covers_what_numpy_allocates(self) -> None:
        stage, given, target = self.built(), self.given(), self.target()
        outputs = sum(array.nbytes for array in self.run().values())  # and what run imports is imported now
        block = block_of(stage, given, target)
        tracemalloc.start()
        try:
            stage.run(block, self.context())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        promised = stage.scratch(target, specs_of(given))
        assert peak - outputs <= promised + SLACK, f"run took {peak - outputs} bytes beside its outputs, not {promised}"

    def test_importing_the_stage_does_not_import_torch(self) -> None:
        assert not _imports_torch(self.stage.__module__), f"{self.stage.__module__} imports torch at the top"


def _is_kind(candidate: object) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, Stage) and hasattr(candidate, "kind")


def _expected(spec: ArraySpec, target: Target) -> tuple[int, ...]:
    return (len(target.slots) if spec.over_tiles else spec.shape[0], *spec.shape[1:])


def _cut(array: Array, target: Target, part: Target) -> Array:
    if not target.slots:
        return array[part.box.slices]
    return array[[target.slots.index(slot) for slot in part.slots]]


def _assert_same(got: Mapping[str, Array], want: Mapping[str, Array]) -> None:
    for port, array in want.items():
        assert array.shape == got[port].shape, f"'{port}' has shape {got[port].shape}, not {array.shape}"
        differing = int((array != got[port]).sum()) - int((np.isnan(array) & np.isnan(got[port])).sum())
        assert not differing, f"'{port}' differs in {differing} of {array.size} values"


@cache
def _imports_torch(module: str) -> bool:
    path = [entry for entry in sys.path if entry]
    code = f"import sys; sys.path[:0] = {path!r}; import {module}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Error" not in done.stderr, done.stderr
    return done.returncode != 0
