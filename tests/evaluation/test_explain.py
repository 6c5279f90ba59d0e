"""What explain shows is what a run did: choice, scores, mattes; and attention is what values are pooled with."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hdmatt_core.cli import main
from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.explain import Explanation, explain
from hdmatt_core.evaluation.explain_figure import CONTEXTS, GAP, QUERY, figure
from hdmatt_core.evaluation.explain_numbers import looked, numbers
from hdmatt_core.evaluation.panels import PANEL
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.nn.regions import UNKNOWN, downsample_regions
from hdmatt_core.pipeline.find import find_pipeline
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.testing import Scene, scene

PATCH = 96
GRID = Grid((250, 340), PATCH, 16, 2)
SIZES = ("tiles.patch=96", "tiles.overlap=16", "tiles.side=2")
Ask = Callable[..., Request]


@pytest.fixture(scope="module")
def made() -> Scene:
    return scene(*GRID.shape, seed=3)


@pytest.fixture(scope="module")
def ask(weights: Path, made: Scene) -> Ask:
    """A request of small patches; keyword arguments as in Request."""

    def request(pipeline: str | Path = "hdmatt", *settings: str, **options: Any) -> Request:
        given = {"inputs": {"image": made.image, "trimap": made.trimap}, "outputs": {"alpha": None}, **options}
        overrides = (f"weights={weights}", *SIZES, *settings)
        return Request(pipeline=pipeline, overrides=overrides, synchronous=True, **given)

    return request


@pytest.fixture(scope="module")
def told(ask: Ask) -> Explanation:
    return explain(ask(), None)


def laid_open(name: str, folder: Path) -> Path:
    """The pipeline with its choice, scores and patches among the outputs."""
    text = find_pipeline(name).read_text().partition("  cutout:")[0]
    path = folder / f"{name}.yaml"
    path.write_text(f"{text}outputs: {{alpha: blend, choice: pick.choice, scores: pick.scores, patches: decode}}\n")
    return path


@pytest.mark.parametrize("name", ["hdmatt", "ablation-random-context", "ablation-nonlocal"])
def test_it_is_what_a_run_does(name: str, ask: Ask, tmp_path: Path) -> None:
    outputs = dict.fromkeys(("choice", "scores", "patches"))
    ran = run(ask(laid_open(name, tmp_path), outputs=outputs)).arrays
    seen = explain(ask(name), None)
    slot = seen.query.slot
    assert [patch.slot for patch in seen.contexts] == [c for c in ran["choice"][slot].tolist() if c >= 0]
    assert seen.scores == tuple(ran["scores"][slot][: len(seen.contexts)].tolist())
    np.testing.assert_array_equal(seen.alphas[0], ran["patches"][slot])


def test_without_contexts_is_the_pipeline_without(told: Explanation, ask: Ask, tmp_path: Path) -> None:
    alone = run(ask(laid_open("ablation-no-context", tmp_path), outputs={"patches": None})).arrays["patches"]
    # Absent contexts have no weight but a place in the sums, which rounds otherwise.
    np.testing.assert_allclose(told.alphas[1], alone[told.query.slot], atol=1e-5)
    assert np.abs(told.alphas[0] - told.alphas[1]).max() > 1e-4


def test_weights_are_shares_of_their_region(told: Explanation) -> None:
    assert set(told.weights) == {"unknown", "foreground", "background"}
    assert told.own
    assert told.seen == (*told.contexts, told.query)
    for region, code in (("unknown", 1), ("foreground", 2), ("background", 0)):
        mask = np.stack([patch.regions for patch in told.seen]) == code
        weights = told.weights[region]
        assert (weights[:, ~mask] == 0).all()
        np.testing.assert_allclose(weights.sum(axis=(1, 2, 3)), float(mask.any()), atol=1e-5)


def test_patches_show_the_picture(told: Explanation, made: Scene) -> None:
    for patch in (told.query, *told.contexts):
        inside = patch.box.within(GRID.shape)
        height, width = inside.shape
        np.testing.assert_array_equal(patch.rgb[:height, :width], made.image[inside.slices])
        np.testing.assert_array_equal(patch.trimap[:height, :width], made.trimap[inside.slices])
        np.testing.assert_array_equal(patch.regions, downsample_regions(patch.trimap[None])[0])
    cell = told.query.rgb[16:32, 32:48].mean(axis=(0, 1)) / 255
    np.testing.assert_allclose(told.query.cells[1, 2], cell, atol=1e-6)


def test_by_default_the_patch_with_most_unknown_is_explained(told: Explanation, made: Scene) -> None:
    padded = np.pad(made.trimap, ((0, 2 * PATCH), (0, 2 * PATCH)), mode="reflect")
    counts = {
        slot: int((downsample_regions(padded[GRID.box(slot).slices][None]) == UNKNOWN).sum())
        for slot in GRID.present(0, GRID.slots)
    }
    assert told.unknown.sum() == max(counts.values())
    assert made.trimap[told.at] == 128


def test_a_pixel_is_explained_by_the_patch_that_weighs_most_there(ask: Ask, made: Scene) -> None:
    rows, columns = np.nonzero(made.trimap == 128)
    overlapped = [
        (y, x)
        for y, x in zip(rows.tolist(), columns.tolist(), strict=True)
        if len(GRID.covering(Box((y, x), (y + 1, x + 1)))) > 1
    ]
    at = overlapped[len(overlapped) // 2]
    seen = explain(ask(), at)
    y, x = seen.inside
    rival = {
        slot: float(GRID.ramp(slot)[at[0] - GRID.box(slot).start[0], at[1] - GRID.box(slot).start[1]])
        for slot in GRID.covering(Box(at, (at[0] + 1, at[1] + 1)))
    }
    assert GRID.ramp(seen.query.slot)[y, x] == max(rival.values())
    assert seen.at == at
    assert seen.position == (y // 16, x // 16)


def test_a_place_without_a_question_names_one_that_has(ask: Ask, made: Scene) -> None:
    with pytest.raises(UserError, match=r"--at 250,10: outside the picture of 340 x 250 px; give --at Y,X"):
        explain(ask(), (250, 10))
    corner = made.trimap.copy()
    corner[:, 100:] = 0
    corner[200:210, 20:30] = 128
    request = ask(inputs={"image": made.image, "trimap": corner})
    with pytest.raises(UserError, match="asks nothing; try --at") as caught:
        explain(request, (10, 330))
    y, x = caught.value.message.rpartition(" ")[2].split(",")
    assert explain(request, (int(y), int(x))).unknown.any()
    with pytest.raises(UserError, match="nothing in this trimap is unknown"):
        explain(ask(inputs={"image": made.image, "trimap": np.zeros_like(corner)}), None)


def test_numbers_say_how_attention_is_spread(told: Explanation) -> None:
    flat = np.full_like(told.weights["background"], 0)
    mask = np.stack([patch.regions for patch in told.seen]) == 0
    flat[:, mask] = 1 / mask.sum()
    even = dataclasses.replace(told, weights={"background": flat})
    seen = looked(even, "background")
    assert seen.positions == mask.sum()
    assert seen.spread == pytest.approx(mask.sum(), rel=1e-3)
    cells = np.stack([patch.cells for patch in told.seen])
    np.testing.assert_allclose(seen.colour, cells[mask].mean(axis=0), rtol=1e-4)
    one = np.zeros_like(flat)
    place = tuple(np.argwhere(mask)[0])
    one[:, *place] = 1
    seen = looked(dataclasses.replace(told, weights={"background": one}), "background")
    assert (seen.spread, seen.heaviest, seen.shares[place[0]]) == (1.0, 1.0, 1.0)


def test_numbers_go_into_json(told: Explanation) -> None:
    back = json.loads(json.dumps(numbers(told)))
    assert back["at"] == list(told.at)
    assert [c["score"] for c in back["contexts"]] == list(told.scores)
    assert sum(back["attention"]["here"]["unknown"]["shares"]) == pytest.approx(1, abs=1e-4)
    y, x = told.inside
    assert back["alpha"]["with"] == pytest.approx(float(told.alphas[0][y, x]))
    assert back["alpha"]["mean_change"] > 0


def test_the_figure_shows_where_everything_lies(told: Explanation) -> None:
    drawn = np.asarray(figure(told))
    top = drawn.shape[0] - 4 * (PANEL + GAP + 34)
    whole = drawn[:top]
    for colour in (QUERY, *CONTEXTS[: len(told.contexts)]):
        assert (whole == colour).all(axis=2).sum() > 50
    rows, _ = np.nonzero((whole == QUERY).all(axis=2))
    scale = (whole.shape[0] - 2 * GAP) / GRID.shape[0]
    expected = told.query.box.within(GRID.shape)
    assert rows.min() - GAP == pytest.approx(expected.start[0] * scale, abs=5)
    assert rows.max() - GAP == pytest.approx(expected.stop[0] * scale, abs=5)


def test_the_brightest_cell_is_where_attention_is(told: Explanation) -> None:
    heat = np.zeros_like(told.weights["background"])
    heat[:, 0, 2, 4] = 1  # first context, row 2, column 4 of 6
    drawn = np.asarray(figure(dataclasses.replace(told, weights={"background": heat})))
    left, top = PANEL + 2 * GAP, drawn.shape[0] - 3 * (PANEL + GAP + 34) + 34
    light = drawn[top : top + PANEL, left : left + PANEL].astype(int).sum(axis=2)
    light[:40] = 0  # the label
    y, x = np.unravel_index(light.argmax(), light.shape)
    assert (y * 6 // PANEL, x * 6 // PANEL) == (2, 4)


def test_a_pipeline_without_contexts_has_a_figure(ask: Ask) -> None:
    seen = explain(ask("ablation-no-context"), None)
    assert seen.contexts == ()
    np.testing.assert_array_equal(seen.alphas[0], seen.alphas[1])
    assert looked(seen, "foreground").positions == (seen.query.regions == 2).sum()
    assert figure(seen, mean=True).width == 4 * (PANEL + GAP) + GAP


def test_an_aggregator_may_look_at_contexts_alone(told: Explanation) -> None:
    count = len(told.contexts)
    apart = dataclasses.replace(told, weights={region: maps[:, :count] for region, maps in told.weights.items()})
    assert not apart.own
    assert apart.seen == told.contexts
    assert len(looked(apart, "unknown").shares) == count
    assert figure(apart).width == (1 + max(3, count)) * (PANEL + GAP) + GAP


def test_attention_without_trimap_has_one_map(ask: Ask) -> None:
    seen = explain(ask("ablation-nonlocal"), None)
    assert list(seen.weights) == ["all"]
    assert looked(seen, "all").positions == 36 * (len(seen.contexts) + 1)


class Watched:
    """An array that remembers the largest window read of it."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array, self.shape, self.dtype, self.largest = array, array.shape, array.dtype, 0

    def __getitem__(self, window: Any) -> NDArray[Any]:
        piece = self.array[window]
        self.largest = max(self.largest, piece.shape[0] * piece.shape[1])
        return np.asarray(piece)


def test_it_reads_windows_of_a_large_picture(ask: Ask) -> None:
    large = np.full((2500, 2300, 3), 90, np.uint8)
    trimap = np.zeros(large.shape[:2], np.uint8)
    trimap[1200:1300, 1200:1300], trimap[1230:1260, 1230:1260] = 128, 255
    image, known = Watched(large), Watched(trimap)
    seen = explain(ask("quick", "pool.radius=0", inputs={"image": image, "trimap": known}), None)
    assert seen.factor == 2
    assert seen.overview.shape == (1250, 1150, 3)
    assert max(image.largest, known.largest) <= 1100 * 1100


@pytest.fixture
def files(tmp_path: Path, made: Scene) -> list[str]:
    for name in ("image", "trimap"):
        Image.fromarray(getattr(made, name)).save(tmp_path / f"{name}.png")
    return ["explain", str(tmp_path / "image.png"), str(tmp_path / "trimap.png")]


def test_the_command_writes_figure_and_numbers(
    files: list[str], weights: Path, told: Explanation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "why.png"
    sets = [word for setting in (f"weights={weights}", *SIZES) for word in ("--set", setting)]
    assert main([*files, "-o", str(out), "--json", "-q", *sets]) == 0
    assert json.loads(capsys.readouterr().out)["query"]["slot"] == told.query.slot
    with Image.open(out) as drawn:
        # Another batch of patches, or other threads in the test's own process, may round a value the other way.
        np.testing.assert_allclose(np.asarray(drawn, np.int16), np.asarray(figure(told), np.int16), atol=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--at", "12"], "--at 12: write --at Y,X with two whole numbers"),
        (["-o", "why.gif"], "why.gif: a figure is written as .png"),
        (["-o", "nowhere/why.png"], "does not exist"),
    ],
)
def test_the_command_refuses_what_cannot_be(
    files: list[str],
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*files, *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.gif"))


def test_a_figure_that_is_there_is_kept(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "why.png"
    out.write_bytes(b"mine")
    assert main([*files, "-o", str(out)]) == 2
    assert "exists; give --overwrite" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"
