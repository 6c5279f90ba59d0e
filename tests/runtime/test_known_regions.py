"""Regions that the table of tiles knows to be of one value are not decoded again when the matte is made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hdmatt_core.geometry import Box
from hdmatt_core.runtime import workspace
from hdmatt_core.runtime.events import Event, Planned
from hdmatt_core.runtime.inputs import ArraySource
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.stage import Array, Block, Context
from hdmatt_core.storage.layout import SHARD
from hdmatt_core.testing import Scene

Make = Callable[..., Request]


@pytest.fixture(params=[0, 255])
def inputs(picture: Scene, request: pytest.FixtureRequest) -> dict[str, np.ndarray]:
    """Everything right of column 900 is known to be of one value: the second block of pixels and more."""
    trimap = picture.trimap.copy()
    trimap[:, 900:] = request.param
    return {"image": picture.image, "trimap": trimap}


def test_a_block_of_one_value_is_not_read_again(
    request_for: Make, inputs: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, read, read_before = [False], list[Box](), ArraySource.run

    def listen(event: Event) -> None:
        counted[0] |= isinstance(event, Planned)

    def noted(self: ArraySource, block: Block, context: Context) -> dict[str, Array]:
        if counted[0] and self._role == "trimap":
            read.append(block.target.box)
        return read_before(self, block, context)

    monkeypatch.setattr(ArraySource, "run", noted)
    alpha = run(request_for(inputs=inputs, synchronous=True), listen).arrays["alpha"]
    assert read, "blocks with unknown pixels are read"
    assert not [box for box in read if box.start[1] >= SHARD]
    assert np.array_equal(alpha[:, SHARD:], inputs["trimap"][:, SHARD:] / np.float32(255))


def test_the_bits_are_those_of_a_run_that_reads_everything(
    request_for: Make, inputs: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha = run(request_for(inputs=inputs, synchronous=True)).arrays["alpha"]
    monkeypatch.setattr(workspace, "known_value", lambda *_: None)
    assert np.array_equal(run(request_for(inputs=inputs, synchronous=True)).arrays["alpha"], alpha)
