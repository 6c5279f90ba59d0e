"""What ``hdmatt plan`` foretells: what is read to the byte, and the time by a block of made-up tiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from hdmatt_core.plan_lines import foretold
from hdmatt_core.runtime import calibrate
from hdmatt_core.runtime.events import BlockDone, Listener, Planned
from hdmatt_core.runtime.forecast import forecast
from hdmatt_core.runtime.inputs import ArraySource
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.stage import Array, Block, Context
from hdmatt_core.testing import Scene

Make = Callable[..., Request]
NEAR = ["pool.radius=1", "pool.known=0.5"]


@pytest.fixture
def request_near(request_for: Make, picture: Scene) -> Request:
    """A picture that is background on the right, with the pipeline for scans."""
    trimap = picture.trimap.copy()
    trimap[:, 900:] = 0
    inputs = {"image": picture.image, "trimap": trimap}
    return request_for(inputs=inputs, pipeline="gigapixel", settings=NEAR, synchronous=True)


def test_what_is_read_is_foretold_to_the_byte(request_near: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    foretold_bytes = forecast(request_near).reads
    read, original = Counter[str](), ArraySource.run

    def noted(self: ArraySource, block: Block, context: Context) -> dict[str, Array]:
        made = original(self, block, context)
        read[self._role] += made["pixels"].nbytes
        return made

    monkeypatch.setattr(ArraySource, "run", noted)
    run(request_near)
    assert {name: foretold_bytes[name] for name in read} == dict(read)
    assert foretold_bytes[""] > 0


def test_time_is_that_of_made_up_tiles_times_the_tiles_of_the_plan(
    request_near: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []

    def made_up(request: Request, listener: Listener) -> None:
        trimap = request.inputs["trimap"]
        shares.append(float((trimap == 128).mean()))
        listener(Planned(0, 0, 2, 4))
        listener(BlockDone("encode", 0, 4, 0, 0.0, 0.5, 1.0, 0.5, ""))
        listener(BlockDone("pick+fuse+decode", 0, 2, 0, 0.0, 1.0, 1.0, 1.0, ""))
        listener(BlockDone("blend", 0, 0, 0, 0.0, 0.25, 0.5, 0.25, ""))

    monkeypatch.setattr(calibrate, "run", made_up)
    made = forecast(request_near, timed=True)
    work = made.plan.work
    assert work is not None
    assert 0 < shares[0] < 1
    assert made.seconds["encode"] == pytest.approx(0.5 * work.candidates)
    assert made.seconds["pick+fuse+decode"] == pytest.approx(1.5 * work.queries)
    assert made.seconds["blend"] == pytest.approx(0.5 * work.queries)
    assert made.time == pytest.approx(made.counting + sum(made.seconds.values()))
    assert made.encoding == pytest.approx(0.5 * work.candidates)
    assert "at most\ntime about" in foretold(made)


def test_the_made_up_block_goes_through_the_pipeline(request_near: Request) -> None:
    made = forecast(request_near, timed=True)
    assert {name for name, seconds in made.seconds.items() if seconds > 0} == {
        "known", "far", "palette", "small", "small_known", "small_far", "small_palette", "small_patches", "overview",
        "encode", "pick+fuse+decode", "blend"
    }  # fmt: skip


def test_made_up_tiles_are_queries_as_many_as_asked(request_for: Make) -> None:
    grid = next(work.grid for work in forecast(request_for()).plan.passes if work.grid)
    side = grid.side * grid.stride + grid.overlap
    small = type(grid)((side, side), grid.patch, grid.overlap, grid.side)
    for queries in range(1, small.block + 1):
        trimap = calibrate._made_up("trimap", small, queries)
        with_unknown = [(trimap[small.box(slot).slices] == 128).any() for slot in small.present(0, small.slots)]
        assert sum(with_unknown) == queries


def test_all_patches_as_context_have_no_price_where_they_are_taken(request_for: Make) -> None:
    lines = foretold(forecast(request_for(settings=["pool.known=null"]))).splitlines()
    assert not [line for line in lines if line.startswith(("context", "time"))]


def test_the_price_of_all_patches_as_context_is_named(request_near: Request) -> None:
    made = forecast(request_near)
    assert made.plan.work is not None
    times = np.prod(next(work.grid for work in made.plan.passes if work.grid).counts) / made.plan.work.candidates
    known = made.plan.work.candidates - made.plan.work.queries
    line = f"context from {known} known tiles; with all of them as candidates (pool.all) {times:.1f} times as many"
    assert line in foretold(made)
