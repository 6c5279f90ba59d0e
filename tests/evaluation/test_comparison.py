"""Methods on a set: processes of their own, records, resuming, and the report's files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hdmatt_core.cli import main
from hdmatt_core.evaluation import methods, runner
from hdmatt_core.evaluation.comparison import compare
from hdmatt_core.evaluation.methods import Method, parse_methods
from hdmatt_core.evaluation.runner import Row
from hdmatt_core.evaluation.sample import Sample
from hdmatt_core.metrics import score

Bytes = NDArray[np.uint8]
Saver = Callable[[Path, Bytes], Path]
Maker = Callable[[int, int], dict[str, Bytes]]


@pytest.fixture
def aim(tmp_path: Path, picture: Maker, save: Saver) -> Path:
    """Two pictures as AIM-500 lays them out."""
    for number, size in enumerate(((60, 80), (64, 48))):
        made = picture(*size)
        for folder, kind in (("original", "image"), ("mask", "alpha"), ("trimap", "trimap")):
            suffix = "jpg" if kind == "image" else "png"
            save(tmp_path / "aim" / folder / f"o_{number}.{suffix}", made[kind])
    return tmp_path / "aim"


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Processes stand still: a matte is a third of the trimap's, and what was asked for is listed."""
    asked: list[str] = []

    def made(method: Method, sample: Sample, alpha: Path, memory: int | None) -> dict[str, float | str]:
        asked.append(f"{method.label} {sample.name}")
        if method.label == "broken":
            return {"error": "gave up"}
        trimap = np.asarray(Image.open(sample.trimap))
        value = 100 if method.label == "one" else 128
        Image.fromarray(np.where(trimap == 128, value, trimap).astype(np.uint8)).save(alpha)
        return {"seconds": 1.0, "cpu_seconds": 0.5, "peak_bytes": 7}

    monkeypatch.setattr(runner, "_made", made)
    return asked


WORDS = ["one=pymatting:cf", "two=pymatting:knn"]


def test_rows_tables_and_files(aim: Path, tmp_path: Path, solved: list[str]) -> None:
    made = compare(f"aim-500:{aim}", WORDS, tmp_path / "out")
    assert solved == ["one o_0", "one o_1", "two o_0", "two o_1"]
    alpha, truth, trimap = (
        np.asarray(Image.open(path)) for path in (made.rows[0].alpha, aim / "mask/o_0.png", aim / "trimap/o_0.png")
    )
    assert made.rows[0].score == score(alpha, truth, trimap)
    content = json.loads((tmp_path / "out/report.json").read_text())
    assert [means["method"] for means in content["means"]] == ["one", "two"]
    assert content["means"][0]["errors"]["sad"] == pytest.approx(
        np.mean([r.score.sad for r in made.rows[:2] if r.score])
    )
    assert len((tmp_path / "out/rows.csv").read_text().splitlines()) == 5


def test_the_page_stands_alone(aim: Path, tmp_path: Path, solved: list[str]) -> None:
    page = compare(f"aim-500:{aim}", WORDS, tmp_path / "out").page.read_text()
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    captions = re.findall(r"<figcaption>(.+?)</figcaption>", page)
    assert captions[:7] == ["image", "trimap", "truth", "one", "one, error", "two", "two, error"]
    assert len(captions) == 2 * 2 * 7
    assert len(page) < 200_000


def test_what_is_there_is_not_made_again(aim: Path, tmp_path: Path, solved: list[str], save: Saver) -> None:
    compare(f"aim-500:{aim}", WORDS, tmp_path / "out")
    solved.clear()
    assert all(row.kept for row in compare(f"aim-500:{aim}", WORDS, tmp_path / "out").rows)
    assert solved == []
    save(aim / "trimap/o_1.png", np.full((64, 48), 128, np.uint8))
    compare(f"aim-500:{aim}", WORDS, tmp_path / "out")
    assert solved == ["one o_1", "two o_1"]
    solved.clear()
    compare(f"aim-500:{aim}", WORDS, tmp_path / "out", overwrite=True)
    assert len(solved) == 4


def test_another_truth_is_scored_without_matting(aim: Path, tmp_path: Path, solved: list[str], save: Saver) -> None:
    before = compare(f"aim-500:{aim}", WORDS, tmp_path / "out").rows[0].score
    solved.clear()
    save(aim / "mask/o_0.png", np.zeros((60, 80), np.uint8))
    after = compare(f"aim-500:{aim}", WORDS, tmp_path / "out").rows[0].score
    assert solved == []
    assert before != after


def test_a_record_that_was_cut_off_is_made_again(aim: Path, tmp_path: Path, solved: list[str]) -> None:
    compare(f"aim-500:{aim}", WORDS, tmp_path / "out")
    solved.clear()
    (tmp_path / "out/mattes/one/o_0.json").write_text('{"fingerprint": {')
    compare(f"aim-500:{aim}", WORDS, tmp_path / "out")
    assert solved == ["one o_0"]


def test_a_method_that_fails_loses_its_rows_alone(aim: Path, tmp_path: Path, solved: list[str]) -> None:
    made = compare(f"aim-500:{aim}", ["one=pymatting:cf", "broken=pymatting:lbdm"], tmp_path / "out")
    assert [row.error for row in made.rows] == ["", "", "gave up", "gave up"]
    assert [means.failed for means in made.summary.overall] == [0, 2]
    assert "gave up" in made.page.read_text()


def test_submission(tmp_path: Path, save: Saver, solved: list[str], picture: Maker) -> None:
    made, root = picture(40, 40), tmp_path / "am"
    save(root / "input_lowres/doll.png", made["image"])
    save(root / "trimap_lowres/Trimap1/doll.png", made["trimap"])
    result = compare(f"alphamatting:{root}", ["one=pymatting:cf"], tmp_path / "out")
    assert result.rows[0].score is None
    with zipfile.ZipFile(tmp_path / "out/submission-one.zip") as archive:
        assert archive.namelist() == ["Trimap1/doll.png"]


def test_a_peer_that_is_not_installed_is_named(
    aim: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(methods, "find_spec", lambda name: None)
    assert main(["evaluate", "--dataset", f"aim-500:{aim}", "--pipeline", "pymatting:cf"]) == 2
    assert "pip install 'hdmatt[peers]'" in capsys.readouterr().err


def test_code_and_settings_are_in_the_fingerprint(aim: Path, tmp_path: Path) -> None:
    sample = Sample("o_0", aim / "original/o_0.jpg", aim / "trimap/o_0.png")
    prints = [method.fingerprint(sample, tmp_path / "a.png") for method in parse_methods(["hdmatt", "quick"])]
    assert prints[0]["weights"] == prints[1]["weights"]
    assert prints[0]["stage 'pool'"] != prints[1]["stage 'pool'"]
    assert len(prints[0]["code"]) == 32


def test_a_killed_process_is_an_error_of_its_row(aim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess([], -9, "", ""))
    rows = compare(f"aim-500:{aim}", ["pymatting:cf"], tmp_path / "out").rows
    assert {row.error for row in rows} == {"was killed by signal 9; if it was for memory, give --memory"}


def test_peak_memory_is_that_of_this_process() -> None:
    held = np.ones(300_000_000, np.uint8)  # this process has had more than the new one, which must not inherit it
    program = (
        "import numpy as np; from hdmatt_core.evaluation.worker import peak_bytes; "
        "before = peak_bytes(); block = np.ones(150_000_000, np.uint8); print(before, peak_bytes(), block.sum())"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    before, after, _ = (int(word) for word in told.split())
    assert held.all()
    assert before < 300_000_000
    assert after > max(before, 150_000_000)


@pytest.mark.slow
def test_a_pipeline_and_a_peer_in_processes_of_their_own(aim: Path, tmp_path: Path) -> None:
    pytest.importorskip("pymatting")
    seen: list[Row] = []
    made = compare(f"aim-500:{aim}", ["pymatting:cf", "hdmatt"], tmp_path / "out", listener=seen.append)
    assert [row.error for row in seen] == [""] * 4
    assert all(row.score and row.score.mse < 0.1 for row in made.rows)
    assert all(50e6 < row.peak_bytes < 3e9 and row.seconds > 0 for row in made.rows)


@pytest.mark.slow
def test_a_peer_may_be_given_too_little_memory(tmp_path: Path, picture: Maker, save: Saver) -> None:
    pytest.importorskip("pymatting")
    made = picture(900, 900)
    for folder, kind in (("original", "image"), ("mask", "alpha"), ("trimap", "trimap")):
        save(tmp_path / "aim" / folder / "o.png", made[kind])
    rows = compare(f"aim-500:{tmp_path / 'aim'}", ["pymatting:knn"], tmp_path / "out", memory=400_000_000).rows
    assert "needs more memory than it may have (0.4 GB)" in rows[0].error
