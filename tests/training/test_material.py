"""Material by index and by folder, decoded within a budget."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from hdmatt_core.errors import UserError
from hdmatt_core.training.cache import Cache, Shelf
from hdmatt_core.training.estimate import foreground_colour
from hdmatt_core.training.listing import Item, listed
from hdmatt_core.training.material import load_library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one's own: twelve things in several files, a pair, twelve backgrounds."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8))
    alpha = Image.new("L", picture.size)
    ImageDraw.Draw(alpha).ellipse((20, 10, 60, 50), fill=255)
    for thing in range(12):
        at = tmp_path / "cutouts" / f"thing{thing}"
        at.mkdir(parents=True)
        for view in range(2):
            Image.merge("RGBA", (*picture.split(), alpha)).save(at / f"{view}.png")
    for name, image in (("images/a.jpg", picture), ("alphas/a.png", alpha), ("images/b.jpg", picture)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        image.save(tmp_path / name)
    alpha.save(tmp_path / "alphas" / "b.tif")
    (tmp_path / "backgrounds").mkdir()
    for number in range(12):
        picture.save(tmp_path / "backgrounds" / f"{number}.webp")
    return tmp_path


def _files(items: list[Item], kind: str, split: str) -> set[Path]:
    return {item.files[0] for item in items if (item.kind, item.split) == (kind, split)}


def test_a_folder_is_split_by_thing_and_nothing_is_in_both(folder: Path) -> None:
    items = listed(folder)
    assert len(items) == 24 + 2 + 12
    for kind in ("rgba", "pair", "background"):
        assert _files(items, kind, "train")
        assert _files(items, kind, "val")
    things = [{file.parent for file in _files(items, "rgba", split)} for split in ("train", "val")]
    assert len(things[0] | things[1]) == 12
    assert not things[0] & things[1]


def test_more_files_move_none_between_the_splits(folder: Path) -> None:
    for number in range(100, 140):
        Image.new("RGB", (8, 8)).save(folder / "backgrounds" / f"{number}.png")
    before = {item.files[0]: item.split for item in listed(folder)}
    Image.new("RGB", (8, 8)).save(folder / "backgrounds" / "another.png")
    after = {item.files[0]: item.split for item in listed(folder)}
    assert before.items() <= after.items()


def test_a_folder_makes_a_library_of_both_splits(folder: Path) -> None:
    for split in ("train", "val"):
        library = load_library(folder, split, 40)
        assert library.photos[0].size == (40, 30)
        assert max(library.cutouts[-1].size) == 40
        assert library.backgrounds[0].size == (40, 30)


def test_an_index_is_found_in_its_folder(index: Path) -> None:
    assert listed(index.parent) == listed(index)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda root: (root / "alphas" / "a.png").unlink(), "has no alpha; put it at"),
        (lambda root: Image.new("L", (3, 3)).save(root / "alphas" / "a.png"), "but its alpha a.png has"),
        (lambda root: (root / "images" / "a.jpg").write_text("no"), "mend it or take it away"),
    ],
)
def test_a_faulty_folder_names_the_file(folder: Path, spoil, word: str) -> None:  # type: ignore[no-untyped-def]
    spoil(folder)
    with pytest.raises(UserError, match=word):
        _opened(folder)


def _opened(folder: Path) -> None:
    for split in ("train", "val"):
        list(load_library(folder, split, 40).photos)


def test_an_empty_folder_and_a_faulty_index_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"neither index\.json nor pictures"):
        listed(tmp_path)
    (tmp_path / "index.json").write_text(json.dumps([{"file": "a"}]))
    with pytest.raises(UserError, match="no 'kind'"):
        listed(tmp_path)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 12))
def test_a_cache_keeps_its_budget_and_gives_what_was_made(keys: list[int], budget: int) -> None:
    cache, made = Cache(budget), []
    shelf = Shelf([lambda key=key: made.append(key) or key for key in range(10)], cache, lambda value: 3)  # type: ignore[misc, func-returns-value]
    for key in keys:
        assert shelf[key] == key
        assert cache.used <= max(budget, 3)
    assert len(made) >= len(set(keys))
    if budget >= 30:
        assert len(made) == len(set(keys))


def test_colour_behind_a_matte_is_not_the_old_backgrounds() -> None:
    """Blue seen through half-clear red: the estimate is red where half of the light is."""
    alpha = np.tile(np.clip(np.linspace(-1, 2, 120), 0, 1), (60, 1))
    image = alpha[..., None] * (1.0, 0.0, 0.0) + (1 - alpha[..., None]) * (0.0, 0.0, 1.0)
    estimate = foreground_colour((image * 255).astype(np.uint8), (alpha * 255).astype(np.uint8))
    assert np.abs(estimate.astype(float) - (255, 0, 0)).mean() < 12
    assert np.abs(estimate[:, alpha[0] == 1].astype(float) - (255, 0, 0)).max() <= 1
