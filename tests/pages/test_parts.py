"""What the page is made from: reduced pictures in bounded memory, tiles where they lie, what events add up to."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdmatt_core.geometry import Box, Grid
from hdmatt_core.pages import chart, html
from hdmatt_core.pages.pictures import LONGEST, factor_for
from hdmatt_core.pages.record import Record
from hdmatt_core.pages.reduced import WINDOW, shrunk
from hdmatt_core.pages.tiles import COLOURS, State, _laid_out, tile_map
from hdmatt_core.runtime.events import (
    BlockDone,
    Crew,
    Event,
    EventLog,
    Finished,
    Memory,
    PassStarted,
    Planned,
    recorded,
)


@given(height=st.integers(1, 70), width=st.integers(1, 70), factor=st.integers(1, 9), seed=st.integers(0, 9))
def test_a_reduced_pixel_is_the_mean_of_its_square(height: int, width: int, factor: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height + factor, width + factor, 3), np.uint8)
    small = shrunk((height, width), factor, lambda box: pixels[box.slices])
    assert small.shape == (max(1, height // factor), max(1, width // factor), 3)
    for y, x in np.ndindex(small.shape[:2]):
        square = pixels[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor].reshape(-1, 3)
        assert (np.abs(small[y, x] - square.astype(float).mean(axis=0)) <= 0.5).all()


def test_pictures_of_any_size_are_reduced_in_the_same_memory() -> None:
    def peak(side: int) -> int:
        read: list[Box] = []

        def window(box: Box) -> np.ndarray:
            read.append(box)
            return np.full(box.shape, 7, np.uint8)

        tracemalloc.start()
        small = shrunk((side, side), factor_for((side, side)), window)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert max(small.shape) <= LONGEST
        assert (small == 7).all()
        assert all(start % WINDOW == 0 for box in read for start in box.start), "every chunk is read once"
        return most

    assert peak(20480) < 1.2 * peak(4096) < 24 << 20


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 5))
def test_tiles_lie_where_the_grid_says(height: int, width: int, side: int) -> None:
    grid = Grid((height, width), patch=320, overlap=32, side=side)
    slots = np.arange(grid.slots) % 251
    laid = _laid_out(slots.astype(np.uint8), grid)
    assert laid.shape == grid.counts
    for slot in grid.present(0, grid.slots):
        assert laid[grid.position(slot)] == slot % 251


def test_the_map_has_a_tiles_colour_where_the_tile_is() -> None:
    grid = Grid((64, 96), patch=32, overlap=0, side=2)
    found = np.array([[State.SKIPPED, State.CONTEXT, State.MATTED], [State.PENDING, State.SKIPPED, State.SKIPPED]])
    drawn = tile_map(grid, found.astype(np.uint8), np.full((64, 96), 100, np.uint8), 1)
    assert (drawn[10, 10] == 100).all()
    for (y, x), state in {(10, 50): State.CONTEXT, (10, 80): State.MATTED, (50, 10): State.PENDING}.items():
        assert np.abs(drawn[y, x] - (100 * 0.55 + np.array(COLOURS[state]) * 0.45)).max() <= 1


def block(number: int, tiles: int = 4, name: str = "encode") -> BlockDone:
    return BlockDone(name, number, tiles, 0, 0.0, 0.5, 2.0, 0.25, f"host/{number % 2}/7")


STORY: list[tuple[float, Event]] = [
    (100.0, Planned(10**9, 10**9, 20, 40)),
    (100.0, Memory(5 * 10**8)),
    (101.0, Crew(2, 4, "")),
    (101.0, PassStarted("encode", 6, 0, 24)),
    *[(102.0 + number, block(number)) for number in range(4)],
    (105.5, Memory(8 * 10**8)),
    (5000.0, Planned(10**9, 10**9, 20, 40)),  # it was stopped, and goes on much later
    (5001.0, PassStarted("encode", 2, 4, 8)),
    (5002.0, block(4)),
    (5003.0, block(5)),
    (5004.0, Memory(6 * 10**8)),
    (5004.0, Finished(4.0)),
]


def test_the_time_between_two_stretches_does_not_count() -> None:
    told = Record(STORY)
    assert (told.stretches, told.seconds, told.finished, told.peak) == (2, 9.5, True, 8 * 10**8)
    made = told.passes["encode"]
    assert (made.blocks, len(made.done), made.tiles, made.seconds, made.rate) == (6, 6, 24, 6.0, 4.0)
    assert made.split() == {"reading": 3.0, "computing": 12.0, "writing": 1.5}
    assert sum((end - start) * rate for start, end, rate in made.rates()) == pytest.approx(24)
    assert told.memory_spans() == [(0.0, 0.0, 5e8), (0.0, 5.5, 8e8), (5.5, 9.5, 6e8)]
    assert told.processes == 2


def test_a_run_that_goes_on_is_not_finished() -> None:
    assert not Record([*STORY, (9000.0, Planned(1, 1, 1, 1))]).finished


def test_events_are_read_as_they_were_told(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for _, event in STORY:
        log(event)
    assert [event for _, event in recorded(tmp_path / "events.jsonl")] == [event for _, event in STORY]


def test_charts_and_tables_escape_what_they_are_told() -> None:
    drawn = chart.steps([(0, 1, 2.0)], "<pass> & co", "1 s", {"<limit>": 4.0})
    assert "&lt;pass&gt; &amp; co" in drawn
    assert "&lt;limit&gt;" in drawn
    assert "<b>" not in html.table([["<b>"], ["<b>"]]) + html.figures({"<b>": "data:,"}, "strip")


def test_a_page_that_breaks_off_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old")

    def lines() -> object:
        yield "<p>begun</p>"
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        html.write(tmp_path / "page.html", "new", "", lines())  # type: ignore[arg-type]  # an iterator
    assert (tmp_path / "page.html").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
