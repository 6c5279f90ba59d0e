"""Batches come in order and are the same whoever draws them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

from hdmatt_core.errors import UserError
from hdmatt_core.training.batch import Batch, batch_of
from hdmatt_core.training.config import Mix, Procedural, TrainConfig
from hdmatt_core.training.drawing import Drawing, draw
from hdmatt_core.training.feed import Batches, Drawn, Order, make_composer, one_ahead, open_pool
from hdmatt_core.training.procedural.pool import Pool


@pytest.fixture(autouse=True)
def _no_filling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are rendered when they are asked for; a process beside would cost the tests seconds."""
    monkeypatch.setattr(Pool, "fill_beside", lambda pool: None)


def _drawn(config: TrainConfig, start: int, count: int) -> list[Batch]:
    return list(islice(Batches(config, start, lambda step: config.phases[0]), count))


def _same(one: Batch, two: Batch) -> bool:
    return all(torch.equal(ours, theirs) for ours, theirs in zip(_parts(one), _parts(two), strict=True))


def _parts(batch: Batch) -> list[torch.Tensor]:
    """All tensors of a batch, those of its overview with them."""
    assert batch.overview is not None
    return [part for part in (*batch, *batch.overview) if isinstance(part, torch.Tensor)]


def test_a_batch_depends_on_seed_and_step_alone(config: TrainConfig) -> None:
    whole, rest = _drawn(config, 0, 4), _drawn(config, 2, 2)
    assert _same(whole[2], rest[0])
    assert _same(whole[3], rest[1])
    assert not _same(whole[0], whole[1])
    other = _drawn(config.model_copy(update={"seed": 1}), 0, 1)
    assert not _same(whole[0], other[0])


def test_the_feed_draws_what_the_loop_drew(config: TrainConfig) -> None:
    loop = batch_of(draw(make_composer(config), config.phases[0], np.random.default_rng([config.seed, 5])))
    assert _same(loop, _drawn(config, 5, 1)[0])


def test_a_device_finishes_what_others_draw(config: TrainConfig) -> None:
    """As an accelerator does: drawings arrive, move, and become the batches that a processor draws at once."""
    drawing = Drawn(config, finished=False)[Order(5, config.phases[0])]
    assert isinstance(drawing, Drawing)
    moved = drawing.to(torch.device("meta"))
    assert moved.overview is not None
    assert moved.rgb.is_meta
    assert moved.overview.alpha.is_meta
    assert not moved.places.is_meta
    assert _same(batch_of(drawing.to(torch.device("cpu"))), _drawn(config, 5, 1)[0])


@pytest.mark.slow
def test_loaders_change_nothing(config: TrainConfig) -> None:
    alone = _drawn(config, 3, 5)
    helped = _drawn(config.model_copy(update={"loaders": 2}), 3, 5)
    assert all(_same(one, two) for one, two in zip(alone, helped, strict=True))


def test_the_documented_mix_and_pool_are_valid() -> None:
    page = (Path(__file__).parents[2] / "docs" / "train.md").read_text(encoding="utf-8")
    block = page.split("```yaml\n")[1].split("```")[0]
    given = YAML(typ="safe").load(block)
    assert Mix.model_validate(given["mix"]).procedural > 0
    assert Procedural.model_validate(given["procedural"]).families == {"hair": 8, "solid": 0}


def test_a_fault_shows_before_the_first_batch(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="check 'data'"):
        Batches(config.model_copy(update={"data": tmp_path / "none.json"}), 0, lambda step: config.phases[0])


def test_a_mix_without_procedural_opens_no_pool(config: TrainConfig) -> None:
    mix = config.mix.model_copy(update={"procedural": 0.0})
    assert open_pool(config.model_copy(update={"mix": mix})) is None
    assert open_pool(config) is not None


def test_one_item_is_made_ahead_by_another_thread_and_a_fault_keeps_its_place() -> None:
    made: list[int] = []
    second = threading.Event()

    def items() -> Iterator[int]:
        for number in range(3):
            made.append(threading.get_ident())
            if number == 1:
                second.set()
            yield number
        raise UserError("no fourth")

    coming = one_ahead(items())
    assert next(coming) == 0
    assert second.wait(10), "the second is made while the first is used"
    assert [next(coming), next(coming)] == [1, 2]
    with pytest.raises(UserError, match="no fourth"):
        next(coming)
    assert threading.get_ident() not in made
    assert list(one_ahead(iter("abc"))) == ["a", "b", "c"]
