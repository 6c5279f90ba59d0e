"""Composed test sets: shares, determinism, exact composition, usable trimaps."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hdmatt_core.cli import main
from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.layouts import parse_dataset
from hdmatt_core.evaluation.testset import FAMILIES, Recipe, compose_set
from hdmatt_core.evaluation.testset.foreground import _planted, draw_foreground
from hdmatt_core.evaluation.testset.material import find_material, open_pieces
from hdmatt_core.evaluation.testset.picture import compose
from hdmatt_core.training.bands import BANDS

SMALL = (0.012, 0.02)


def _pixels(root: Path, folder: str, name: str) -> np.ndarray:
    return np.asarray(Image.open(root / folder / f"{name}.png"))


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("set")
    compose_set(root, Recipe(10, 5, SMALL), data, foregrounds=True)
    return root


def test_shares_are_fixed() -> None:
    entries = list(Recipe(60, 1).entries())
    assert Counter(entry.family for entry in entries) == dict.fromkeys(FAMILIES, 12)
    bands = Counter((entry.family, entry.band) for entry in entries)
    assert all(
        bands[family, "narrow"] == 6 and bands[family, BANDS[1]] == bands[family, BANDS[3]] == 3 for family in FAMILIES
    )
    real = Counter((entry.family, entry.band != "narrow") for entry in entries if entry.real is not None)
    assert set(real.values()) == {3}
    sizes = [entry.pixels / 1e6 for entry in entries]
    assert min(sizes) == 1
    assert max(sizes) == 6
    assert np.mean(sizes) == pytest.approx(1.35, abs=0.1)


def test_each_photograph_meets_narrow_and_wide_bands(data: Path) -> None:
    material = find_material(data, "val")
    entries = [entry for entry in Recipe(60, 1, (0.01, 0.01)).entries() if entry.family == "hair"]
    real = [entry for entry in entries if entry.real is not None and entry.real < 3]
    drawn = [draw_foreground(entry, material, np.random.default_rng(0)).sources for entry in real]
    assert drawn == [("p3m-1",)] * 3
    assert {entry.band == "narrow" for entry in real} == {True, False}


def test_where_no_cutout_is_usable_the_family_is_rendered(data: Path) -> None:
    entry = next(entry for entry in Recipe(5, 1, SMALL).entries() if entry.family == "plants")
    empty = replace(find_material(data, "val"), cutouts={"plants": (data.parent / "fg/dot.webp",)})
    Image.new("RGBA", (40, 40), (9, 9, 9, 255)).save(data.parent / "fg/dot.webp")
    assert "procedural branches" in compose(entry, empty, np.random.default_rng(0)).sources


def test_image_is_composed_of_the_truth(made: Path) -> None:
    index = json.loads((made / "set.json").read_text())
    assert [p["name"] for p in index["pictures"]][:2] == ["000-hair", "001-fur"]
    for entry in index["pictures"]:
        image, alpha, trimap, colour = (
            _pixels(made, f, entry["name"]) for f in ("image", "alpha", "trimap", "foreground")
        )
        assert image.shape[:2] == alpha.shape == trimap.shape == tuple(entry["size"][::-1])
        assert np.abs(image[alpha == 255].astype(int) - colour[alpha == 255]).mean() < 4  # the camera's noise
        assert (alpha[trimap == 0] == 0).all()
        assert (alpha[trimap == 255] == 255).all()
        assert all((trimap == value).mean() > 0.001 for value in (0, 128, 255))
        assert (trimap == 128).mean() == pytest.approx(entry["unknown"], abs=1e-4)


def test_the_same_seed_gives_the_same_pixels_and_another_does_not(made: Path, data: Path, tmp_path: Path) -> None:
    digests = []
    for seed in (5, 6):
        compose_set(tmp_path / str(seed), Recipe(3, seed, SMALL), data)
        index = json.loads((tmp_path / str(seed) / "set.json").read_text())
        digests.append(index["digest"])
        assert index["name"] == f"composed-3-seed-{seed}"
    assert digests[0] != digests[1]
    again = compose_set(tmp_path / "again", Recipe(10, 5, SMALL), data)
    assert json.loads(again.read_text())["digest"] == json.loads((made / "set.json").read_text())["digest"]


def test_it_is_read_as_a_set(made: Path, tmp_path: Path) -> None:
    found = parse_dataset(f"composed:{made}", tmp_path)
    assert found.name == "composed-10-seed-5"
    assert found.samples[0].groups == {"family": "hair", "band": "narrow"}
    assert all(file.exists() for s in found.samples for file in (s.image, s.trimap, s.truth) if file)


def test_a_set_is_not_mixed_with_another(made: Path, data: Path) -> None:
    with pytest.raises(UserError, match="is not empty"):
        compose_set(made, Recipe(1, 1, SMALL), data)


def test_what_cannot_be_used_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no background in split 'test'"):
        compose_set(tmp_path, Recipe(1, 1, SMALL), data, "test")
    with pytest.raises(UserError, match="cannot be read as a data index"):
        compose_set(tmp_path, Recipe(1, 1, SMALL), tmp_path / "none.json")
    with pytest.raises(UserError, match="at least one picture"):
        Recipe(0, 1)
    with pytest.raises(UserError, match="LEAST:LARGEST"):
        Recipe(1, 1, (2.0, 1.0))


def test_small_cutouts_are_not_enlarged_much(data: Path) -> None:
    piece = open_pieces(data.parent / "fg/stk-1.webp")[0]
    for seed in range(8):
        planted = _planted(piece, (900, 900), np.random.default_rng(seed))
        rows, columns = np.nonzero(planted.alpha > 0)
        assert np.ptp(rows) < 1.5 * piece[0].height + 60
        assert np.ptp(columns) < 1.5 * piece[0].width + 60


def test_command(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compose", "-o", str(tmp_path / "set"), "--data", str(data), "--count", "2", "--megapixels", "0.01"]
    assert main(words) == 0
    assert "set 'composed-2-seed-1', 2 pictures" in capsys.readouterr().out
    assert main(["compose", "-o", str(tmp_path / "other"), "--data", str(data), "--megapixels", "big"]) == 2
    assert "write LEAST:LARGEST" in capsys.readouterr().err
