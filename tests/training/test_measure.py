"""The measuring command gives one score per answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdmatt_core.nn.network import HDMatt
from hdmatt_core.nn.weights import save
from hdmatt_core.training import measure
from hdmatt_core.training.picture import Picture


def test_every_answer_is_scored(
    config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alpha = np.zeros((640, 640), np.float32)
    trimap = np.zeros((640, 640), np.uint8)
    trimap[300:340, 300:340], trimap[:, 600:] = 128, 255
    picture = Picture(np.full((640, 640, 3), 60, np.uint8), alpha, trimap, alpha)
    monkeypatch.setattr(measure, "validation_pictures", lambda config: [picture])
    save(HDMatt("hdmatt-s"), tmp_path / "w.safetensors", commit="none", data="none")
    monkeypatch.setattr("sys.argv", ["measure", str(config_file), str(tmp_path / "w.safetensors")])
    measure.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[-1].split() == ["alpha", "=", "0.5", "SAD", "0.800", "MSE", "0.2500"]
