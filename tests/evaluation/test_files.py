"""Mattes in files: any format and depth, small and large, one and many."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray

from hdmatt_core.cli import main
from hdmatt_core.errors import UserError
from hdmatt_core.evaluation import files
from hdmatt_core.evaluation.files import score_files
from hdmatt_core.evaluation.pairs import score_paths
from hdmatt_core.metrics import score

Bytes = NDArray[np.uint8]
Saver = Callable[[Path, Bytes], Path]
Maker = Callable[[int, int], dict[str, Bytes]]


@pytest.fixture
def triple(tmp_path: Path, picture: Maker, save: Saver) -> tuple[Path, Path, Path]:
    """A prediction that is a little too thin, its truth, its trimap."""
    made = picture(90, 120)
    thin = np.clip(made["alpha"].astype(int) - 40, 0, 255).astype(np.uint8)
    paths = {"pred": thin, "truth": made["alpha"], "trimap": made["trimap"]}
    p, t, u = (save(tmp_path / name / "one.png", pixels) for name, pixels in paths.items())
    return p, t, u


def _arrays(triple: tuple[Path, Path, Path]) -> list[Bytes]:
    from PIL import Image

    return [np.asarray(Image.open(path)) for path in triple]


def test_small_and_large_files_give_the_same(triple: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    expected = score(*_arrays(triple))
    assert expected.sad > 0
    assert score_files(*triple) == expected
    assert score_files(*triple, whole=0) == expected
    monkeypatch.setattr(files, "HELD", 0)  # as if each decoded file were too large to be held
    assert score_files(*triple, whole=0) == expected


@pytest.mark.parametrize("whole", [0, files.WHOLE])
def test_sixteen_bits_and_floats(triple: tuple[Path, Path, Path], tmp_path: Path, whole: int) -> None:
    thin, truth, trimap = _arrays(triple)
    tifffile.imwrite(tmp_path / "deep.tif", thin.astype(np.uint16) * 257, tile=(32, 32))
    zarr.create_array(tmp_path / "float.zarr", data=thin.astype(np.float32) / 255, chunks=(32, 32))
    for name in ("deep.tif", "float.zarr"):
        assert score_files(tmp_path / name, triple[1], triple[2], whole=whole) == score(thin, truth, trimap)


def test_sizes_that_differ_are_named(triple: tuple[Path, Path, Path], tmp_path: Path, save: Saver) -> None:
    small = save(tmp_path / "small.png", np.zeros((5, 7), np.uint8))
    with pytest.raises(UserError, match="differ in size") as raised:
        score_files(small, triple[1], triple[2])
    assert f"{small}: 7 x 5 px" in raised.value.detail
    assert f"{triple[1]}: 120 x 90 px" in raised.value.detail


def test_folders_are_matched_by_stem(triple: tuple[Path, Path, Path], save: Saver) -> None:
    pred, truth, trimap = (path.parent for path in triple)
    assert [name for name, _ in score_paths(pred, truth, trimap)] == ["one"]
    save(pred / "two.png", np.zeros((5, 7), np.uint8))
    save(truth / "three.png", np.zeros((5, 7), np.uint8))
    with pytest.raises(UserError, match="3 partners are missing") as raised:
        score_paths(pred, truth, trimap)
    assert f"two.png: no truth in {truth}" in raised.value.detail
    assert f"two.png: no trimap in {trimap}" in raised.value.detail
    assert f"three.png: no matte in {pred}" in raised.value.detail


@pytest.mark.parametrize(("which", "message"), [(0, "three pictures or three folders"), (2, "three pictures")])
def test_a_file_among_folders(triple: tuple[Path, Path, Path], which: int, message: str) -> None:
    given = [path.parent for path in triple]
    given[which] = triple[which]
    with pytest.raises(UserError, match=message):
        score_paths(*given)


def test_two_files_of_one_stem(triple: tuple[Path, Path, Path], save: Saver) -> None:
    save(triple[0].with_suffix(".bmp"), np.zeros((5, 7), np.uint8))
    with pytest.raises(UserError, match="have one stem"):
        score_paths(*(path.parent for path in triple))


def test_command(triple: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    json_file, csv_file = tmp_path / "out.json", tmp_path / "out.csv"
    words = ["evaluate", *map(str, triple), "--json", str(json_file), "--csv", str(csv_file)]
    assert main(words) == 0
    expected = score(*_arrays(triple))
    shown = capsys.readouterr().out
    assert f"{expected.sad:.3f}" in shown
    assert f"{1000 * expected.mse:.3f}" in shown
    assert json.loads(json_file.read_text())[0]["grad"] == expected.grad
    assert csv_file.read_text().splitlines()[0] == "image,sad,mse,grad,conn,unknown"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.png", "b.png"], "give PREDICTION TRUTH TRIMAP"),
        (["a.png", "b.png", "c.png"], "a.png: no such file or folder"),
        (["--pipeline", "hdmatt"], "add --dataset LAYOUT:FOLDER"),
        (["a.png", "b.png", "c.png", "--dataset", "aim-500:x"], "with --dataset no mattes are given"),
        (["--dataset", "aim-500:."], "at least one method"),
        (["--dataset", "aim:.", "--pipeline", "hdmatt"], "did you mean 'aim-500'?"),
        (["--dataset", "aim-500:nowhere", "--pipeline", "hdmatt"], "there is no folder nowhere"),
        (["--dataset", "aim-500:.", "--pipeline", "hdmat"], "hdmat"),
        (["--dataset", "aim-500:.", "--pipeline", "pymatting:kn"], "did you mean 'knn'?"),
        (["--dataset", "aim-500:.", "--pipeline", "hdmatt", "--pipeline", "hdmatt"], "--pipeline LABEL="),
    ],
)
def test_mistakes_are_a_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *words]) == 2
    assert message in capsys.readouterr().err
