"""Ablations: the file, equal variants run once, tables by band, attention, and going on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hdmatt_core.cli import main
from hdmatt_core.errors import UserError
from hdmatt_core.evaluation import runner
from hdmatt_core.evaluation.ablate import ablate
from hdmatt_core.evaluation.ablation import read_ablation
from hdmatt_core.evaluation.layouts import parse_dataset
from hdmatt_core.evaluation.methods import Method
from hdmatt_core.evaluation.sample import Sample
from hdmatt_core.testing import scene

SHIPPED = Path("docs/examples/ablation.yaml")
BANDS = {"a": "narrow", "b": "wide", "c": "wide with wholly unknown regions"}


@pytest.fixture(scope="module")
def testset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures as `hdmatt compose --foregrounds` lays them out."""
    root = tmp_path_factory.mktemp("set")
    for number, name in enumerate(BANDS):
        made = scene(120, 150, seed=number)
        planes = {
            "image": made.image,
            "trimap": made.trimap,
            "alpha": np.rint(made.alpha * 255).astype(np.uint8),
            "foreground": np.rint(made.foreground * 255).astype(np.uint8),
        }
        for folder, pixels in planes.items():
            (root / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(root / folder / f"{name}.png")
    pictures = [{"name": name, "family": "hair", "band": band} for name, band in BANDS.items()]
    (root / "set.json").write_text(json.dumps({"name": "made-3", "pictures": pictures}))
    return root


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Processes stand still: a matte is a value for each method, and what was asked for is listed."""
    asked: list[str] = []

    def matte(method: Method, sample: Sample, alpha: Path, memory: int | None) -> dict[str, float]:
        asked.append(f"{method.label} {sample.name}")
        with Image.open(sample.trimap) as opened:
            trimap = np.asarray(opened)
        value = 128 if "no-context" in method.label else 200
        Image.fromarray(np.where(trimap == 128, value, trimap).astype(np.uint8)).save(alpha)
        return {"seconds": 1.0, "cpu_seconds": 0.5, "peak_bytes": 7}

    monkeypatch.setattr(runner, "_made", matte)
    return asked


@pytest.fixture
def config(testset: Path, weights: Path, tmp_path: Path) -> Callable[..., Path]:
    """An ablation of small patches, with more lines if wanted."""

    def written(more: str = "") -> Path:
        path = tmp_path / "ablation.yaml"
        path.write_text(
            f"""
set: composed:{testset}
weights: {weights}
tables:
  context:
    title: Context
    variants:
      none: {{pipeline: ablation-no-context, set: [tiles.patch=64]}}
      chosen: {{set: [tiles.patch=64]}}
  contexts:
    title: Contexts
    variants:
      K = 3: {{set: [tiles.patch=64]}}
      K = 5: {{set: [tiles.patch=64, pick.k=5]}}
{more}"""
        )
        return path

    return written


def test_the_shipped_ablation_is_the_papers_and_one_table_more() -> None:
    config = read_ablation(SHIPPED)
    assert list(config.tables) == ["context", "beyond", "patch", "contexts"]
    assert list(config.tables["contexts"].variants) == [f"K = {k}" for k in range(8)]
    methods = list(config.methods())
    assert len(methods) == 15  # of 20 rows: five stand in a table before, too
    assert sum(method.settings == () and method.target == "hdmatt" for method in methods) == 1


def test_tables_by_band_and_files(config: Callable[..., Path], made: list[str], tmp_path: Path) -> None:
    done = ablate(config(), tmp_path / "out")
    assert len(made) == 9  # three methods: one of the four variants stands twice
    assert list(done.tables["context"]) == ["all", "narrow", "wide"]
    whole, narrow, wide = done.tables["context"].values()
    assert [means.images for means in (whole.overall[0], narrow.overall[0], wide.overall[0])] == [3, 1, 2]
    none, chosen = whole.overall
    assert none.errors["sad"] != chosen.errors["sad"]
    pair = next(p for p in whole.paired if p.metric == "sad")
    assert pair.ratio == pytest.approx(chosen.errors["sad"] / none.errors["sad"])
    content = json.loads((tmp_path / "out/ablation.json").read_text())
    assert content["dataset"] == "made-3"
    assert content["tables"]["context"]["wide"]["overall"][0]["method"] == "none"
    with (tmp_path / "out/ablation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["image"], row["band"]) for row in rows} == {("a", "narrow"), ("b", "wide"), ("c", "wide")}
    page = (tmp_path / "out/ablation.md").read_text()
    assert "Set `made-3`, 3 pictures; pipeline `hdmatt`" in page
    assert "## Context (wide)" in page
    assert f"| chosen | 3 | {chosen.errors['sad']:.3f} |" in page


def test_what_is_there_is_not_done_again(config: Callable[..., Path], made: list[str], tmp_path: Path) -> None:
    ablate(config("images: 1\n"), tmp_path / "out")
    assert {line.split()[-1] for line in made} == {"a", "b"}  # the first of each band
    made.clear()
    ablate(config(), tmp_path / "out")
    assert {line.split()[-1] for line in made} == {"c"}


def test_attention_is_judged_once(
    config: Callable[..., Path], made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = "images: 1\nattention: {queries: 2, variants: {chosen: {set: [tiles.patch=64]}}}\n"
    done = ablate(config(more), tmp_path / "out")
    bands = done.attention["chosen"]
    assert list(bands) == ["all", "narrow", "wide"]
    for region in ("unknown", "foreground", "background"):
        parts = [bands[band][region] for band in ("narrow", "wide")]
        assert bands["all"][region] == parts[0] + parts[1]
        assert bands["all"][region].asked > 0
        assert 0 <= bands["all"][region].means()["share"] <= 1
    assert "| chosen | wide | U-F |" in (tmp_path / "out/ablation.md").read_text()
    monkeypatch.setattr("hdmatt_core.evaluation.attention._judged", lambda *given: pytest.fail("judged again"))
    assert ablate(config(more), tmp_path / "out").attention == done.attention


@pytest.mark.parametrize(
    ("more", "message", "detail"),
    [
        ("image: 3\n", "is no valid ablation", "image: Extra inputs are not permitted"),
        ("images: 0\n", "is no valid ablation", "images: Input should be greater than or equal to 1"),
        ("attention: {variants: {a: {set: [pick.k]}}}\n", "is no valid ablation", "attention.variants.a.set.0"),
        ("attention: {variants: {a: {pipeline: hdmat}}}\n", "table 'attention', variant 'a': ", ""),
    ],
)
def test_faults_are_found_before_any_work(
    more: str, message: str, detail: str, config: Callable[..., Path], made: list[str], tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        ablate(config(more), tmp_path / "out")
    assert message in caught.value.message
    assert detail in " ".join(caught.value.detail)
    assert made == []


def test_a_parameter_that_is_not_there_names_its_variant(
    config: Callable[..., Path], made: list[str], tmp_path: Path
) -> None:
    path = config()
    path.write_text(path.read_text().replace("pick.k=5", "pick.q=5"))
    with pytest.raises(UserError, match="table 'contexts', variant 'K = 5'"):
        ablate(path, tmp_path / "out")
    assert made == []


def test_attention_needs_true_foregrounds(
    config: Callable[..., Path], made: list[str], testset: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("image", "trimap", "alpha", "set.json"):
        (bare / name).symlink_to(testset / name)
    path = config("attention: {variants: {chosen: {}}}\n")
    path.write_text(path.read_text().replace(f"composed:{testset}", f"composed:{bare}"))
    assert parse_dataset(f"composed:{bare}", tmp_path).samples
    with pytest.raises(UserError, match="compose it with --foregrounds, or leave out 'attention'"):
        ablate(path, tmp_path / "out")


def test_the_command_prints_the_tables(
    config: Callable[..., Path], made: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ablate", str(config()), "-o", str(tmp_path / "out"), "-q"]) == 0
    told = capsys.readouterr()
    assert "Context (all)" in told.out
    assert "SAD / none" in told.out
    assert str(tmp_path / "out/ablation.md") in told.out
    assert told.err == ""
    assert main(["ablate", str(tmp_path / "nothing.yaml")]) == 2
    assert "give an ablation's YAML file" in capsys.readouterr().err
