"""A region of the picture: the values of the whole, bit for bit, from no more tiles than it needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hdmatt_core.errors import ResumeError, UserError
from hdmatt_core.geometry import Box, Grid, reflected, touched
from hdmatt_core.plan_lines import describe
from hdmatt_core.runtime.events import BlockDone, Event
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import Result, plan, run
from hdmatt_core.testing import Scene, scene

Requests = Callable[..., Request]
BOTH: dict[str, Path | None] = {"alpha": None, "foreground": None}
SHAPE = (250, 350)
GRID = Grid(SHAPE, 96, 16, 2)
BOUNDED = ("pool.radius=1", "pool.known=0.5", "pool.most=9")


@pytest.fixture(scope="module")
def picture() -> Scene:
    return scene(*SHAPE, seed=5)


def regions(shape: tuple[int, int] = SHAPE) -> st.SearchStrategy[Box]:
    corners = [st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True).map(sorted) for n in shape]
    return st.tuples(*corners).map(lambda axes: Box(*zip(*axes, strict=True)))


def written(region: Box) -> str:
    (top, left), (bottom, right) = region.start, region.stop
    return f"{top}:{bottom},{left}:{right}"


def queries(picture: Scene, box: Box | None = None) -> set[int]:
    """The patches with unknown pixels that share a pixel with ``box``."""
    slots = GRID.covering(box or Box((0, 0), SHAPE))
    return {s for s in slots if (picture.trimap[GRID.box(s).within(SHAPE).slices] == 128).any()}


def decoded(request: Request) -> tuple[Result, int, int]:
    """The result, and how many tiles were decoded and encoded."""
    tiles = {"decode": 0, "encode": 0}

    def listen(event: Event) -> None:
        if isinstance(event, BlockDone):
            for name in tiles.keys() & set(event.name.split("+")):
                tiles[name] += event.tiles

    return run(request, listen), tiles["decode"], tiles["encode"]


@pytest.fixture(params=["hdmatt", "gigapixel"])
def whole(request: pytest.FixtureRequest, request_for: Requests) -> tuple[Requests, Result, int]:
    """Requests of a pipeline for regions of the picture, what its run of the whole gives, and tiles that it encodes."""
    more = BOUNDED if request.param == "gigapixel" else ()

    def asked(**options: object) -> Request:
        return request_for(
            **{"pipeline": request.param, "settings": more, "outputs": BOTH, "synchronous": True, **options}
        )

    result, _, encoded = decoded(asked())
    return asked, result, encoded


@given(data=st.data())
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_region_is_the_whole_cropped(
    whole: tuple[Requests, Result, int], picture: Scene, data: st.DataObject
) -> None:
    asked, full, encoded = whole
    region = data.draw(regions())
    result, tiles, candidates = decoded(asked(roi=written(region)))
    for name, array in full.arrays.items():
        np.testing.assert_array_equal(result.arrays[name], array[region.slices])
    seen = Box(*zip(*((max(0, a - 48), b + 48) for a, b in zip(region.start, region.stop, strict=True)), strict=True))
    assert tiles == len(queries(picture, seen.within(SHAPE)))  # the cut-out looks 48 px beyond the region
    assert candidates == (encoded if tiles else 0)


def test_alpha_alone_needs_the_patches_that_cover_the_region(request_for: Requests, picture: Scene) -> None:
    region = Box((100, 200), (180, 260))
    result, tiles, _ = decoded(request_for(roi=np.s_[100:180, 200:260], synchronous=True))
    assert result.arrays["alpha"].shape == (80, 60)
    assert 0 < tiles == len(queries(picture, region)) < len(queries(picture))
    work = result.plan.work
    assert work is not None
    assert (work.queries, work.outside) == (tiles, len(queries(picture)) - tiles)
    assert f"region 100:180,200:260: {tiles} tiles matted, {work.outside} left out" in describe(result.plan)


def test_where_nothing_is_unknown_nothing_is_encoded(request_for: Requests, picture: Scene) -> None:
    middles = (GRID.box(slot).grown(-GRID.overlap) for slot in GRID.present(0, GRID.slots))
    box = next(b for b in middles if b.within(SHAPE) == b and not queries(picture, b))
    result, tiles, encoded = decoded(request_for(roi=written(box), synchronous=True))
    assert (tiles, encoded) == (0, 0)
    np.testing.assert_array_equal(result.arrays["alpha"], picture.trimap[box.slices] == 255)


@pytest.mark.slow
def test_worker_processes_and_rows_made_again_give_the_same(request_for: Requests) -> None:
    region = "90:230,100:300"
    alone = run(request_for(roi=region, synchronous=True)).arrays["alpha"]
    np.testing.assert_array_equal(run(request_for(roi=region, workers=2)).arrays["alpha"], alone)


def test_a_region_costs_less_disk(request_for: Requests) -> None:
    assert plan(request_for(roi="0:20,0:20")).disk < plan(request_for()).disk


def test_a_file_holds_the_region_and_its_place(request_for: Requests, tmp_path: Path) -> None:
    full, part = tmp_path / "full.ome.zarr", tmp_path / "part.ome.zarr"
    run(request_for(outputs={"alpha": full}, synchronous=True))
    run(request_for(outputs={"alpha": part}, roi="40:140,60:200", synchronous=True))
    group = zarr.open_group(part, mode="r")
    transforms = group.attrs["ome"]["multiscales"][0]["datasets"][0]["coordinateTransformations"]  # type: ignore[index,call-overload]
    assert transforms[1] == {"type": "translation", "translation": [40.0, 60.0]}
    np.testing.assert_array_equal(group["0"][...], zarr.open_group(full, mode="r")["0"][40:140, 60:200])  # type: ignore[index]


def test_another_region_does_not_resume(request_for: Requests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out: dict[str, Path | None] = {"alpha": tmp_path / "alpha.png"}
    run(request_for(outputs=out, roi="0:100,0:100", synchronous=True, keep_run=True))
    begun = json.loads((tmp_path / "alpha.png.run" / "run.json").read_text())["fingerprint"]
    assert begun["region"] == "0:100,0:100"
    with pytest.raises(ResumeError, match="changed since: region;"):
        run(request_for(outputs=out, roi="0:100,0:101", synchronous=True, resume=True))
    with pytest.raises(ResumeError, match="changed since: region;"):
        run(request_for(outputs=out, synchronous=True, resume=True))


@pytest.mark.parametrize(
    ("roi", "fault"),
    [
        ("5-10", "is not of the form y0:y1,x0:x1"),
        ("1:2", "is not of the form y0:y1,x0:x1"),
        ("-1:5,0:9", "is not of the form y0:y1,x0:x1"),
        (np.s_[:, 3:4], "is not of the form y0:y1,x0:x1"),
        (np.s_[0:10:2, 3:4], "is not of the form y0:y1,x0:x1"),
        ("7:7,0:9", "holds no pixel"),
        ("0:5,9:3", "holds no pixel"),
        ("0:251,0:9", "reaches beyond the picture"),
        ("0:9,0:351", "reaches beyond the picture"),
    ],
)
def test_what_is_no_region_is_refused_with_the_size(request_for: Requests, roi: object, fault: str) -> None:
    with pytest.raises(UserError) as caught:
        run(request_for(roi=roi))
    assert f": {fault}; the picture is 350 x 250 pixels: write y0:y1,x0:x1 with 0 <= y0 < y1 <= 250 and" in str(
        caught.value
    )


@given(st.integers(-9, 20), st.integers(1, 20), st.integers(1, 12))
def test_what_a_box_touches_is_all_that_mirroring_reads(start: int, length: int, side: int) -> None:
    stop = start + length
    read, box = reflected(start, stop, side), touched(Box((start,), (stop,)), (side,))
    first, beyond = box.start[0], box.stop[0]
    assert 0 <= first <= read.min() <= read.max() < beyond <= side
    if start < side and stop > 0 and max(-start, stop - side) < side:  # it overlaps, and is mirrored once at most
        assert (first, beyond) == (read.min(), read.max() + 1)
