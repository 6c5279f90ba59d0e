"""Fine-tuning begins where other weights ended, with the configuration that the documentation names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hdmatt_core.errors import UserError
from hdmatt_core.nn.weights import load
from hdmatt_core.training import loop
from hdmatt_core.training.config import TrainConfig, read_config
from hdmatt_core.training.loop import Trainer

SHIPPED = Path(__file__).parents[2] / "docs" / "training" / "finetune.yaml"


@pytest.fixture(autouse=True)
def _no_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "validation_pictures", lambda config: [])


def test_the_documented_configuration_is_valid() -> None:
    config = read_config(SHIPPED)
    assert config.start == "hdmatt-s"
    assert config.freeze_norm_from == 0


def test_a_run_starts_from_given_weights(config: TrainConfig) -> None:
    trainer = Trainer(config.model_copy(update={"start": "hdmatt-s"}))
    shipped = load("hdmatt-s").state_dict()
    assert all(torch.equal(value, shipped[name]) for name, value in trainer.model.state_dict().items())
    trainer.learn(next(trainer.batches()))
    assert any(not torch.equal(value, shipped[name]) for name, value in trainer.model.state_dict().items())


def test_unknown_weights_to_start_from_are_one_line(config: TrainConfig) -> None:
    with pytest.raises(UserError, match="hdmatt-x"):
        Trainer(config.model_copy(update={"start": "hdmatt-x"}))
