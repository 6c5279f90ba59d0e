"""What every stage has to keep, and what this one promises."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from hdmatt_apart import Apart

from hdmatt_core.testing import StageConformance


class TestApart(StageConformance):
    name = "sampler.apart"
    stage = Apart
    params: ClassVar = {"k": 4, "distance": 2}

    def test_choices_keep_their_distance(self) -> None:
        stride = self.specs()["choice"].grid.stride
        places = self.given()["tiles"].array[:, :2] // stride
        for row in self.run()["choice"]:
            chosen = places[row[row >= 0]]
            gaps = np.abs(chosen[:, None] - chosen[None]).max(axis=2)
            assert (gaps[~np.eye(len(chosen), dtype=bool)] >= 2).all()
