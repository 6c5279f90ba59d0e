"""The page about a run: whole, self-contained, escaped, and what it says is what happened; of a stopped run, too."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hdmatt_core.errors import HdmattWarning, UserError
from hdmatt_core.pages.pictures import GROUND, pictures
from hdmatt_core.pages.tiles import State, states
from hdmatt_core.pages.witness import reporting
from hdmatt_core.runtime.events import BlockDone, Event
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.runtime.workspace import workspace
from hdmatt_core.testing import Scene

Make = Callable[..., Request]
DECODE = "pick+fuse+decode"
VOID = {"meta", "img"}


class CrashError(Exception):
    """Stands for whatever stops a run."""


class Checker(HTMLParser):
    """Counts elements, and holds that every one that is opened is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(path: Path) -> tuple[str, list[str]]:
    """The page's text and its elements; it is well formed, and names nothing outside of itself."""
    text, checker = path.read_text(encoding="utf-8"), Checker()
    checker.feed(text)
    assert checker.open == ["html"]
    assert "://" not in text
    assert "<script" not in text
    assert set(re.findall(r'(?:src|href)="([^"]{0,20})', text)) == {"data:image/webp;base6"[:20]}
    return text, checker.seen


def crash_at(blocks: int, name: str) -> Callable[[Event], None]:
    left = [blocks]

    def listen(event: Event) -> None:
        if isinstance(event, BlockDone) and event.name == name:
            left[0] -= 1
            if not left[0]:
                raise CrashError("the <machine> stops")

    return listen


def shown(text: str) -> dict[str, int]:
    """The table of tiles by state."""
    rows = re.findall(r"</span>([^<]+)</td><td>(\d+)</td><td>[\d.]+%", text)
    return {name: int(count) for name, count in rows}


def test_a_finished_run(request_for: Make, tmp_path: Path) -> None:
    asked, page = request_for(), tmp_path / "page.html"
    plan = run(asked, witness=reporting(asked, page)).plan
    text, elements = checked(page)
    assert elements.count("img") == 5, "image, trimap, alpha, cut-out, map"
    assert elements.count("svg") == 13, "twelve passes and the memory"
    assert "a &lt;b&gt; &amp; &#x27;c&#x27;.png, 400 x 300, uint8" in text
    assert "<b> & 'c'" not in text
    assert "Finished in " in text
    assert plan.work is not None
    grid = next(p.grid for p in plan.passes if p.grid)
    assert sum(shown(text).values()) == grid.counts[0] * grid.counts[1]
    assert shown(text)["unknown pixels, matted"] == plan.work.queries
    assert shown(text)["known, candidate for context"] == plan.work.candidates - plan.work.queries > 0
    assert shown(text)["unknown pixels, still to do"] == 0
    assert not (tmp_path / "alpha.png.run").exists()


def test_a_stopped_run_shows_what_is_there_and_a_resumed_one_everything(request_for: Make, tmp_path: Path) -> None:
    page, done = tmp_path / "page.html", list[BlockDone]()
    asked = request_for()
    crash = crash_at(3, DECODE)

    def listen(event: Event) -> None:
        if isinstance(event, BlockDone) and event.name == DECODE:
            done.append(event)
        crash(event)

    with pytest.raises(CrashError):
        run(asked, listen, witness=reporting(asked, page))
    text, elements = checked(page)
    assert "(CrashError the &lt;machine&gt; stops). This is what is there so far" in text
    assert "Nothing is there yet of: alpha." in text
    assert elements.count("img") == 3, "image, trimap, map"
    assert "<td>blend</td><td>not begun</td>" in text
    assert shown(text)["unknown pixels, matted"] == sum(event.tiles for event in done) > 0
    assert shown(text)["unknown pixels, still to do"] > 0
    again = request_for(resume=True)
    run(again, witness=reporting(again, page))
    text, _ = checked(page)
    assert "Finished in " in text
    assert ", in 2 stretches." in text
    assert shown(text)["unknown pixels, still to do"] == 0


def test_a_store_that_is_kept_has_its_page_and_other_runs_pay_nothing(request_for: Make, tmp_path: Path) -> None:
    assert reporting(request_for(), None) is None
    asked = request_for(keep_run=True)
    run(asked, witness=reporting(asked, None))
    checked(tmp_path / "alpha.png.run" / "report.html")


def test_the_cut_out_of_a_run_is_on_the_flat_colour(request_for: Make, picture: Scene) -> None:
    """Small enough not to be reduced, the pictures are the picture's pixels."""
    found: dict[str, np.ndarray] = {}
    counted: list[int] = []

    class Look:
        def __init__(self, job: object, store: object) -> None:
            self.job, self.store = job, store

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None:
            space = workspace(self.job)  # type: ignore[arg-type]  # a job
            found.update(pictures(space, self.store))  # type: ignore[arg-type]  # a store
            _, by_tile = states(space, self.store)  # type: ignore[arg-type, misc]  # there are tiles
            counted.extend(np.bincount(by_tile.ravel(), minlength=len(State)).tolist())

    outputs = {"alpha": None, "foreground": None}
    request = request_for(pipeline="hdmatt", outputs=outputs, overrides=("pool.known=null",))
    result = run(request, witness=Look)  # type: ignore[arg-type]  # both contexts
    assert set(found) == {"image", "trimap", "alpha", "foreground, on a flat colour"}
    assert np.array_equal(found["image"], picture.image)
    assert np.array_equal(found["trimap"], picture.trimap)
    alpha = result.arrays["alpha"]
    assert np.array_equal(found["alpha"], (alpha * 255 + 0.5).astype(np.uint8))
    cutout = found["foreground, on a flat colour"]
    assert (cutout[alpha == 0] == GROUND).all()
    assert np.array_equal(cutout[alpha == 1], picture.image[alpha == 1])
    assert counted[State.SKIPPED] == 0, "this pipeline encodes every tile"


def test_a_report_that_fails_does_not_hide_what_stopped_the_run(
    request_for: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Path:
        raise OSError("no such luck")

    monkeypatch.setattr("hdmatt_core.pages.run.write_run_page", fail)
    asked = request_for()
    with pytest.warns(HdmattWarning, match="the report could not be written"), pytest.raises(CrashError):
        run(asked, crash_at(1, "encode"), witness=reporting(asked, tmp_path / "page.html"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("page.pdf", r"page\.pdf: the report is a page; give --report FILE\.html$"),
        ("nowhere/page.html", r"page\.html: the folder .*nowhere does not exist$"),
        ("there.html", r"there\.html exists; give --overwrite, or another --report$"),
    ],
)
def test_where_no_page_can_be_is_said_before_the_work(request_for: Make, tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "there.html").write_text("mine")
    with pytest.raises(UserError, match=said):
        reporting(request_for(), tmp_path / name)
    assert reporting(request_for(overwrite=True), tmp_path / "there.html") is not None
