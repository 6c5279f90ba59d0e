"""A data index of made material, and pictures with mattes, all small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]
Saver = Callable[[Path, Bytes], Path]


def _save(path: Path, pixels: Bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="session")
def save() -> Saver:
    """Writes an array as a picture, with the folders it needs."""
    return _save


def disc(height: int, width: int) -> Bytes:
    """A disc with a soft rim: the matte of every made picture."""
    y, x = np.mgrid[:height, :width]
    far = np.hypot(y - height / 2, x - width / 2)
    return (np.clip((0.35 * min(height, width) - far) / 6 + 0.5, 0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def picture() -> Callable[[int, int], dict[str, Bytes]]:
    """Image, alpha and trimap of a red disc before a blue ground."""

    def made(height: int, width: int) -> dict[str, Bytes]:
        alpha = disc(height, width)
        share = alpha[..., None] / 255
        image = (share * [200, 40, 30] + (1 - share) * [20, 60, 190]).astype(np.uint8)
        trimap = np.where(alpha == 0, 0, np.where(alpha == 255, 255, 128)).astype(np.uint8)
        return {"image": image, "alpha": alpha, "trimap": trimap}

    return made


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with a photograph of each of three families, a cut-out of plants, backgrounds, and other splits."""
    root, rng, items = tmp_path_factory.mktemp("data"), np.random.default_rng(0), []
    for name in ("p3m-1", "am2k-1", "aim-32"):
        _save(root / f"photo/{name}-fg.jpg", rng.integers(60, 200, (140, 180, 3), dtype=np.uint8))
        _save(root / f"photo/{name}-alpha.png", disc(140, 180))
        items.append({"file": f"photo/{name}", "kind": "photo", "split": "val"})
    leaf = np.dstack([np.full((180, 170, 3), 90, np.uint8), disc(180, 170)])
    _save(root / "fg/stk-1.webp", leaf)
    items.append({"file": "fg/stk-1.webp", "kind": "rgba", "split": "val"})
    for name, split in (("a", "val"), ("b", "val"), ("c", "train")):
        _save(root / f"bg/{name}.jpg", rng.integers(0, 255, (200, 300, 3), dtype=np.uint8))
        items.append({"file": f"bg/{name}.jpg", "kind": "background", "split": split})
    (root / "index.json").write_text(json.dumps(items))
    return root / "index.json"
