"""Every check of StageConformance can fail: a good sampler passes all, one made wrong fails the check meant for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from hdmatt_core.kinds import Sampler
from hdmatt_core.spec import ArraySpec, Input, Output
from hdmatt_core.stage import All, Array, Block, Context, Own, Request, Specs, Stage, Target, Window
from hdmatt_core.testing import Given, StageConformance, pictures

CHECKS = sorted(name for name in dir(StageConformance) if name.startswith("test_"))


class First(Sampler):
    """The first candidate for everybody."""

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = specs["tiles"].grid
        assert grid is not None
        return {
            "choice": ArraySpec(("tile", "k"), (grid.slots, 1), "int32", 1, grid),
            "scores": ArraySpec(("tile", "k"), (grid.slots, 1), "float32", 1, grid),
        }

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"pool": All()}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        shape = (len(block.target.slots), 1)
        first = np.flatnonzero(block.array("pool"))[0]
        return {"choice": np.full(shape, first, np.int32), "scores": np.ones(shape, np.float32)}


class TestFirst(StageConformance):
    name, stage = "sampler.first", First


class Undocumented(First):
    pass


class AnotherPort(First):
    """Brings an output that samplers do not have."""

    extra = Output(("tile",))


class LaxParams(First):
    """Takes any parameter."""

    class Params(BaseModel):  # type: ignore[assignment]
        """Open."""


class WrongDtype(First):
    """Infers one dtype, gives another."""

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        made = super().run(block, context)
        return made | {"scores": made["scores"].astype(np.float64)}


class WindowOverTiles(First):
    """Asks for pixels of a table."""

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return super().needs(target, specs) | {"query": Window(target.box)}


class NotWired(First):
    """Asks for a port it does not have."""

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return super().needs(target, specs) | {"nothing": Own()}


class Unsteady(First):
    """Draws without a seed."""

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        made = super().run(block, context)
        return made | {"scores": np.random.default_rng().uniform(size=made["scores"].shape).astype(np.float32)}


class Moody(First):
    """Gives other choices when nobody wants the scores."""

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        made = super().run(block, context)
        return made if "scores" in block.wanted else {"choice": made["choice"] + 1}


class Neighbourly(First):
    """Lets a row depend on how many others are asked with it."""

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        made = super().run(block, context)
        return made | {"scores": made["scores"] * len(block.target.slots)}


class Vandal(First):
    """Writes into an array it was given, and by a way round the copies: the test's own source."""

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        SOURCES[-1]["pool"].array[:] = 1
        return super().run(block, context)


class Guess(First):
    """Gives its scratch as a float."""

    def scratch(self, target: Target, specs: Specs) -> int:
        return 1e6  # type: ignore[return-value]


class Hungry(First):
    """Allocates what it does not declare."""

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        assert np.ones(1_000_000).sum() == 1_000_000
        return super().run(block, context)


SOURCES: list[dict[str, Given]] = []


def case(stage_class: type[Stage], called: str = "sampler.first") -> StageConformance:
    class Case(StageConformance):
        name, stage = called, stage_class

        def given(self) -> Mapping[str, Given]:
            SOURCES.append(dict(super().given()))
            SOURCES[-1]["pool"].array[:3] = 0
            return SOURCES[-1]

    return Case()


def failing(conformance: StageConformance) -> set[str]:
    failed = set()
    for check in CHECKS:
        try:
            getattr(conformance, check)()
        except AssertionError:
            failed.add(check)
    return failed


@pytest.mark.parametrize(
    ("stage", "check"),
    [
        (Undocumented, "test_stage_and_params_are_documented"),
        (AnotherPort, "test_ports_are_those_of_the_kind"),
        (LaxParams, "test_unknown_parameters_are_refused"),
        (WrongDtype, "test_outputs_are_as_inferred"),
        (WindowOverTiles, "test_needs_ask_for_wired_inputs_in_fitting_ways"),
        (Unsteady, "test_running_twice_gives_the_same_bits"),
        (Moody, "test_an_output_does_not_depend_on_which_others_are_wanted"),
        (Neighbourly, "test_parts_equal_the_whole"),
        (Vandal, "test_inputs_are_left_as_they_are"),
        (Guess, "test_scratch_is_a_number_of_bytes"),
        (Hungry, "test_scratch_covers_what_numpy_allocates"),
    ],
)
def test_a_fault_fails_its_check(stage: type[Stage], check: str) -> None:
    with pytest.raises(AssertionError):
        getattr(case(stage), check)()


def test_a_sound_stage_fails_none() -> None:
    assert failing(case(First)) == set()


@pytest.mark.parametrize("name", ["first", "sampler.First", "blender.first", "sampler.first.two"])
def test_a_wrong_name_fails_its_check(name: str) -> None:
    assert failing(case(First, name)) == {"test_name_begins_with_the_kind"}


def test_a_request_for_an_unknown_port_is_named() -> None:
    with pytest.raises(AssertionError, match="'nothing' is not wired"):
        case(NotWired).test_needs_ask_for_wired_inputs_in_fitting_ways()


def test_torch_at_the_top_of_a_module_fails_its_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A torch of our own, found first and only by the other process: the real one takes seconds.
    (tmp_path / "torch.py").write_text("")
    (tmp_path / "heavy_stage.py").write_text("import torch")
    monkeypatch.syspath_prepend(str(tmp_path))
    heavy = type("Heavy", (First,), {"__module__": "heavy_stage"})
    with pytest.raises(AssertionError, match="heavy_stage imports torch at the top"):
        case(heavy).test_importing_the_stage_does_not_import_torch()


class Invert(Stage):
    """A stage of a free kind, for the parts in which images are asked for."""

    kind = "filter"
    trimap = Input(("y", "x"), ("uint8",), doc="any")
    inverse = Output(("y", "x"), ("uint8",), doc="255 less it")

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        return {"inverse": specs["trimap"]}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        return {"inverse": 255 - block.array("trimap")}


class TestInvert(StageConformance):
    name, stage = "filter.invert", Invert

    def given(self) -> Mapping[str, Given]:
        return pictures("trimap")


class Flat(Invert):
    """Levels by the mean of what it is asked for."""

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        return {"inverse": np.full_like(block.array("trimap"), block.array("trimap").mean())}


def test_a_filter_that_depends_on_its_tile_fails_the_parts() -> None:
    class Case(StageConformance):
        name, stage = "filter.flat", Flat

        def given(self) -> Mapping[str, Given]:
            return pictures("trimap")

    assert failing(Case()) == {"test_parts_equal_the_whole"}
