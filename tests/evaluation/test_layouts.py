"""The layouts of the field's sets, each on a tiny made tree."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.layouts import parse_dataset
from hdmatt_core.evaluation.layouts.alphamatting import write_submission
from hdmatt_core.evaluation.runner import check

Bytes = NDArray[np.uint8]
Saver = Callable[[Path, Bytes], Path]

GREY = np.full((6, 8), 128, np.uint8)
RGB = np.full((6, 8, 3), 90, np.uint8)


def _tree(root: Path, save: Saver, *names: str) -> Path:
    for name in names:
        save(root / name, RGB if name.endswith(".jpg") else GREY)
    return root


def _names(word: str, scratch: Path) -> list[str]:
    found = parse_dataset(word, scratch)
    check(found)
    return [sample.name for sample in found.samples]


def test_aim_500(tmp_path: Path, save: Saver) -> None:
    root = _tree(tmp_path, save, "original/o_1.jpg", "original/o_2.jpg", "mask/o_1.png", "mask/o_2.png")
    _tree(root, save, "trimap/o_1.png", "trimap/o_2.png")
    assert _names(f"aim-500:{root}", tmp_path) == ["o_1", "o_2"]


def test_p3m_of_one_part_and_of_several(tmp_path: Path, save: Saver) -> None:
    for part, images in (("P3M-500-NP", "original_image"), ("P3M-500-P", "blurred_image")):
        _tree(tmp_path / part, save, f"{images}/p_1.jpg", "mask/p_1.png", "trimap/p_1.png")
    found = parse_dataset(f"p3m:{tmp_path}", tmp_path)
    assert [s.name for s in found.samples] == ["P3M-500-NP/p_1", "P3M-500-P/p_1"]
    assert found.samples[1].groups == {"part": "P3M-500-P"}
    assert _names(f"p3m:{tmp_path / 'P3M-500-P'}", tmp_path) == ["p_1"]


def test_composition_1k_composed(tmp_path: Path, save: Saver) -> None:
    root = _tree(tmp_path, save, "merged/cat_0.png", "merged/cat_1.png", "trimaps/cat_0.png", "trimaps/cat_1.png")
    _tree(root, save, "alpha_copy/cat_0.png", "alpha_copy/cat_1.png")
    found = parse_dataset(f"composition-1k:{root}", tmp_path)
    assert [s.truth.name for s in found.samples if s.truth] == ["cat_0.png", "cat_1.png"]
    assert found.samples[0].groups == {"foreground": "cat"}


def test_composition_1k_to_be_composed(tmp_path: Path, save: Saver) -> None:
    root, rng = tmp_path / "set", np.random.default_rng(0)
    colour, behind = (rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((6, 8, 3), (9, 11, 3)))
    alpha = rng.integers(0, 256, (6, 8), dtype=np.uint8)
    save(root / "fg/cat.png", colour)
    save(root / "alpha/cat.png", alpha)
    for i in range(20):
        save(root / f"bg/b{i}.png", behind if i else np.full((3, 4, 3), 200, np.uint8))
        save(root / f"trimaps/cat_{i}.png", GREY)
    (root / "test_fg_names.txt").write_text("cat.png\n")
    (root / "test_bg_names.txt").write_text("\n".join(f"b{i}.png" for i in range(20)))
    found = parse_dataset(f"composition-1k:{root}", tmp_path / "scratch")
    assert len(found.samples) == 20
    assert {s.truth for s in found.samples} == {root / "alpha/cat.png"}
    by_name = {s.name: np.asarray(Image.open(s.image)) for s in found.samples}
    share = alpha[..., None] / 255
    expected = share * colour + (1 - share) * behind[:6, :8]  # cut at the top left
    assert np.abs(by_name["cat_1"] - expected).max() <= 1
    flat = share * colour + (1 - share) * 200  # enlarged, for it is smaller
    assert np.abs(by_name["cat_0"] - flat).max() <= 1


def test_alphamatting_and_its_submission(tmp_path: Path, save: Saver) -> None:
    root = _tree(tmp_path, save, "input_training_lowres/GT01.png", "gt_training_lowres/GT01.png")
    for level in ("Trimap1", "Trimap2"):
        _tree(root, save, f"trimap_training_lowres/{level}/GT01.png", f"trimap_lowres/{level}/doll.png")
    _tree(root, save, "input_lowres/doll.png")
    found = parse_dataset(f"alphamatting:{root}", tmp_path)
    truths = {s.name: s.truth is not None for s in found.samples}
    assert truths == {"Trimap1/GT01": True, "Trimap2/GT01": True, "Trimap1/doll": False, "Trimap2/doll": False}
    mattes = {name: save(tmp_path / "mattes" / f"{name}.png", GREY) for name, true in truths.items() if not true}
    write_submission(tmp_path / "submission.zip", mattes)
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == ["Trimap1/doll.png", "Trimap2/doll.png"]


def test_partners_that_are_missing_are_named(tmp_path: Path, save: Saver) -> None:
    root = _tree(tmp_path, save, "original/a.jpg", "original/b.jpg", "mask/a.png", "trimap/a.png")
    with pytest.raises(UserError, match="2 partners are missing") as raised:
        parse_dataset(f"aim-500:{root}", tmp_path)
    assert raised.value.detail[0].startswith("b.jpg: no trimap")


@pytest.mark.parametrize("layout", ["composed", "composition-1k", "aim-500", "p3m", "alphamatting"])
def test_an_empty_folder_is_no_set(layout: str, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        parse_dataset(f"{layout}:{tmp_path}", tmp_path)
