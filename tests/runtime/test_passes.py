"""The paper's pipeline lowers to the passes that it should, and the plan knows what rests where."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hdmatt_core.errors import MemoryBudgetError, UserError
from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.pipeline.passes import finest
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.runtime.prepare import prepare
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import plan
from hdmatt_core.stage import Tiles
from hdmatt_core.testing import Scene

Make = Callable[..., Request]


@pytest.fixture
def made(request_for: Make) -> Plan:
    return plan(request_for(outputs={"alpha": None, "foreground": None}))


def test_stages_joined_by_own_rows_share_a_task(made: Plan) -> None:
    assert [work.name for work in made.passes] == [
        "tiles", "small", "small_trimap", "pool", "known", "small_tiles", "far", "palette", "small_known", "small_far",
        "small_palette", "small_patches", "overview", "encode", "pick+fuse+decode", "blend", "cutout"
    ]  # fmt: skip


def test_skips_are_transient_and_fused_features_never_rest(made: Plan) -> None:
    named = {work.name: work for work in made.passes}
    encode, decode = named["encode"], named["pick+fuse+decode"]
    assert set(encode.transient) == {Ref("encode", "skips")}
    assert [step.node for step in decode.replay] == ["encode"]
    assert decode.replay[0].wanted == {"skips"}
    assert made.places[Ref("encode", "query_vector")] == "disk"
    assert Ref("fuse", "fused") not in made.places


def test_an_output_that_nobody_asked_for_is_pruned(request_for: Make) -> None:
    assert "cutout" not in [work.name for work in plan(request_for()).passes]


def test_known_tiles_are_no_work(made: Plan) -> None:
    assert made.work is not None
    assert 0 < made.work.queries < made.work.candidates <= made.work.slots
    assert len(made.work.fullest[Tiles.QUERIES, finest(made.passes)].slots) <= 4


def test_no_pixel_of_the_image_is_read_while_planning(request_for: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from hdmatt_core.runtime.inputs import ArraySource

    read: list[str] = []
    original = ArraySource.run

    def watched(self: ArraySource, block: object, context: object) -> object:
        read.append(self.params.role)  # type: ignore[attr-defined]
        return original(self, block, context)  # type: ignore[arg-type]

    monkeypatch.setattr(ArraySource, "run", watched)
    prepare(request_for())
    assert read == []
    plan(request_for())
    assert set(read) == {"trimap"}


def test_tables_are_counted_by_the_rows_that_are_made(request_for: Make, picture: Scene) -> None:
    trimap = np.zeros_like(picture.trimap)
    trimap[100:120, 100:120] = 128
    small = plan(request_for(inputs={"image": picture.image, "trimap": trimap}))
    assert small.work is not None
    counts = small.specs[Ref("known", "counts")]
    assert small.work.queries < small.work.slots / 20
    assert small.memory["tables"] < counts.nbytes / 4


def test_a_budget_too_small_is_refused_with_the_figure(request_for: Make) -> None:
    with pytest.raises(MemoryBudgetError, match=r"--memory 300 MB: this run needs at least \d+ MB; give more"):
        plan(request_for(memory=300_000_000))


def test_less_memory_gives_a_plan_that_keeps_less(request_for: Make, made: Plan) -> None:
    least = plan(request_for(memory=made.peak - 1_000_000))
    assert least.peak < made.peak
    assert least.peak <= least.resources.budget


def test_a_negative_number_of_workers_is_refused(request_for: Make) -> None:
    with pytest.raises(UserError, match="--workers -1: give a number of processes"):
        plan(request_for(workers=-1))
