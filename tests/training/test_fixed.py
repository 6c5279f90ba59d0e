"""The pictures of validation stay what they were, or figures of different runs would not compare."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from hdmatt_core.training.fixed import fixed_picture, render_strands
from hdmatt_core.training.material import load_library


def _kept(index: Path) -> list[np.ndarray]:  # type: ignore[type-arg]
    library = load_library(index, "val", 200)
    strands = [render_strands(np.random.default_rng(1), 64)]
    pictures = [fixed_picture(library, strands, 96, np.random.default_rng(seed)) for seed in range(4)]
    return [part for picture in pictures for part in (picture.rgb, picture.alpha, picture.trimap, picture.contrast)]


def test_the_fixed_pictures_are_the_same_to_the_bit(index: Path) -> None:
    parts = _kept(index)
    assert [part.shape for part in parts[:4]] == [(96, 96, 3), (96, 96), (96, 96), (96, 96)]
    # Alpha and trimap come from integers alone; colours pass through a JPEG decoder, whose versions differ.
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for at in (1, 2) for part in parts[at::4]))
    assert digest.hexdigest()[:16] == "449d062b7d0f98a1"
