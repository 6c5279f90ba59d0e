"""A tiny data set on disk, of both splits and all kinds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from hdmatt_core.training.config import TrainConfig, read_config

POOL = "procedural: {count: 2, side: 64}"
PHASE = "{until: 1.0, patch: 32, images: 1, patches: 2, overview: 0.5}"


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One photograph, one cut-out and one background of each split."""
    root = tmp_path_factory.mktemp("data")
    items = []
    for seed, split in enumerate(("train", "val")):
        rng = np.random.default_rng(seed)
        colour = Image.fromarray(rng.integers(0, 256, (96, 120, 3)).astype(np.uint8))
        alpha = Image.new("L", colour.size)
        ImageDraw.Draw(alpha).ellipse((20, 20, 90, 80), fill=255)
        colour.save(root / f"{split}-bg.jpg")
        colour.save(root / f"{split}-fg.jpg")
        alpha.save(root / f"{split}-alpha.png")
        Image.merge("RGBA", (*colour.split(), alpha)).save(root / f"{split}.webp")
        files = {"background": f"{split}-bg.jpg", "photo": split, "rgba": f"{split}.webp"}
        items += [{"file": file, "kind": kind, "split": split} for kind, file in files.items()]
    (root / "index.json").write_text(json.dumps(items))
    return root / "index.json"


@pytest.fixture
def config_file(index: Path, tmp_path: Path) -> Path:
    """Three steps of the smallest kind."""
    path = tmp_path / "tiny.yaml"
    path.write_text(
        f"data: {index}\nout: {tmp_path / 'run'}\nsteps: 3\n{POOL}\nlog_every: 1\nwarmup: 0\nphases: [{PHASE}]\n"
    )
    return path


@pytest.fixture
def config(config_file: Path) -> TrainConfig:
    """The tiny configuration, read."""
    return read_config(config_file)
