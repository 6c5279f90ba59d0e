"""A stage that fails while it is planned or run: whose it is, is said; a bug of ours stays a bug."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from hdmatt_core.errors import StageError, UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import Sampler
from hdmatt_core.pipeline.find import find_pipeline
from hdmatt_core.registry import Registry
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import All, Array, Block, Context, Gather, Specs, StageType, Target, Window

Make = Callable[..., Request]


class Moody(Sampler):
    """Does what a sampler should not, as its class attributes say."""

    needs_raises = run_raises = wrong_shape = wild = False
    asks_none = asks_unwired = asks_rows_of_pixels = asks_flat = asks_text = False
    gives_none = gives_list = tells = leaves = sizes_in_words = False

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        grid = specs["tiles"].grid
        assert grid is not None
        choice = ArraySpec(("tile", "k"), (grid.slots, 2), "int32", grid=grid)
        return {"choice": choice, "scores": ArraySpec(("tile", "k"), (grid.slots, 2), "float32", grid=grid)}

    def needs(self, target: Target, specs: Specs) -> dict[str, object]:  # type: ignore[override]
        if self.needs_raises:
            raise ValueError("what do I need?")
        if self.asks_none:
            return None  # type: ignore[return-value]
        asked = {
            "nope": All() if self.asks_unwired else None,
            "query": Window(Box((0, 0), (8, 8))) if self.asks_rows_of_pixels else None,
            "tiles": Gather("nope") if self.asks_flat else "all of them" if self.asks_text else None,
        }
        return {port: request for port, request in asked.items() if request is not None}

    def scratch(self, target: Target, specs: Specs) -> int:
        return "1GB" if self.sizes_in_words else 0  # type: ignore[return-value]

    def run(self, block: Block, context: Context) -> Mapping[str, Array]:  # type: ignore[override]
        if self.run_raises:
            raise ZeroDivisionError("not my day")
        if self.tells:
            raise UserError("the trimap is too blue")
        if self.leaves:
            raise SystemExit("bye")
        if self.gives_none:
            return None  # type: ignore[return-value]
        if self.gives_list:
            return {"choice": [1, 2], "scores": [0.1]}  # type: ignore[dict-item]
        rows = len(block.target.slots) + self.wrong_shape
        chosen = np.full((rows, 2), 10**6 if self.wild else -1, np.int32)
        return {"choice": chosen, "scores": np.zeros((rows, 2), np.float32)}


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request_for: Make) -> Callable[..., Request]:
    """A request whose sampler is bad in the named way and comes from the named distribution."""
    load = Registry.load

    def make(way: str, distribution: str = "moody-stages 0.3") -> Request:
        stage = type("Moody", (Moody,), {way: True})
        types = [load().stage(name) for name in load().names()]
        mine = StageType("sampler.moody", stage, api=1, distribution=distribution)
        monkeypatch.setattr(Registry, "load", lambda strict=None: Registry([*types, mine]))
        pipeline = tmp_path / "moody.yaml"
        text = find_pipeline("hdmatt").read_text().replace("sampler.topk\n    params: {k: 3}", "sampler.moody")
        pipeline.write_text(text)
        return request_for(pipeline=pipeline, synchronous=True)

    return make


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("needs_raises", r"stage 'pick': sampler.moody of moody-stages 0.3 failed in needs\n  ValueError: what do I"),
        ("run_raises", r"stage 'pick': sampler.moody of moody-stages 0.3 failed in run\n  ZeroDivisionError: not my"),
        ("wrong_shape", r"'pick' \(sampler.moody of moody-stages 0.3\), output 'choice': promised int32"),
        ("asks_none", "failed in needs\n  TypeError: needs gave NoneType instead of a request by port"),
        ("asks_unwired", "failed in needs\n  TypeError: needs asks for 'nope', which is not wired; there are tiles"),
        ("asks_rows_of_pixels", r"needs asks for 'query' by Window.*: a window is a box \(y, x\) of pixels"),
        ("asks_flat", "needs asks for 'tiles' by Gather.*: rows are gathered from an array over tiles"),
        ("asks_text", "needs asks for 'tiles' by 'all of them': that is no request"),
        ("sizes_in_words", "sampler.moody of moody-stages 0.3 failed in scratch\n  TypeError: 'str'"),
        ("leaves", "sampler.moody of moody-stages 0.3 failed in run\n  SystemExit: bye"),
        ("gives_none", "failed in run\n  TypeError: run gave NoneType instead of an array by port"),
        ("gives_list", "output 'choice': promised int32 .*, gave list; this is a fault of that distribution"),
        ("wild", "stage 'fuse' was told to look at tile 1000000 of 'encode', which was not computed"),
    ],
)
def test_somebody_elses_stage_is_named(moody: Make, way: str, said: str) -> None:
    with pytest.raises(StageError, match=said):
        run(moody(way))


def test_what_somebody_elses_stage_tells_is_said_to_come_from_it(moody: Make) -> None:
    with pytest.raises(UserError, match=r"^stage 'pick' \(sampler.moody\): the trimap is too blue"):
        run(moody("tells"))


def test_a_bug_of_ours_keeps_its_type(moody: Make) -> None:
    with pytest.raises(ZeroDivisionError, match="not my day") as caught:
        run(moody("run_raises", "hdmatt 0.1.0"))
    assert "stage 'pick' (sampler.moody), run" in caught.value.__notes__[0]


def test_a_sampler_that_chooses_nothing_works(moody: Make) -> None:
    alpha = run(moody("")).arrays["alpha"]
    assert np.isfinite(alpha).all()
