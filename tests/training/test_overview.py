"""The overview in training: what the whole picture, reduced, says reaches the patches that are to be told."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hdmatt_core.nn.evidence import whole_evidence
from hdmatt_core.training.batch import batch_of
from hdmatt_core.training.config import Phase, TrainConfig
from hdmatt_core.training.drawing import draw
from hdmatt_core.training.feed import make_composer
from hdmatt_core.training.loop import Trainer
from hdmatt_core.training.overview import enlarged, told


def test_patches_are_told_what_lies_over_them_and_others_are_not() -> None:
    random = torch.Generator().manual_seed(0)
    planes, alpha = torch.rand(3, 4, 32, 32, generator=random), torch.rand(2, 1, 16, 16, generator=random)
    found = told(planes, alpha, torch.tensor([[0, 8, 16], [-1, 8, 16], [1, 0, 24]]))
    wide = enlarged(alpha)
    assert torch.equal(found[0, 2], wide[0, 0, 8:40, 16:48])
    assert torch.equal(found[2, 2], wide[1, 0, 0:32, 24:56])
    assert torch.equal(found[1], planes[1])
    assert torch.equal(found[:, [0, 1, 3]], planes[:, [0, 1, 3]])


def test_an_overview_is_the_picture_that_its_patches_are_of(config: TrainConfig) -> None:
    phase = Phase(until=1, patch=32, images=2, patches=3, canvas=2, overview=1)
    batch = batch_of(draw(make_composer(config), phase, np.random.default_rng(5)))
    assert batch.overview is not None
    assert batch.overview.x.shape == (2, 6, 16, 16)
    assert batch.overview.contexts.tolist() == [[-1], [-1]]
    assert batch.places[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    for row, (picture, y, x) in enumerate(batch.places.tolist()):
        mean = torch.nn.functional.avg_pool2d(batch.alpha[row], 4)
        assert torch.allclose(
            batch.overview.alpha[picture, :, y // 4 : y // 4 + 8, x // 4 : x // 4 + 8], mean, atol=1e-6
        )


def test_patches_that_are_alone_see_no_further_than_themselves(config: TrainConfig) -> None:
    phase = Phase(until=1, patch=32, images=2, patches=3, canvas=2, overview=1, alone=1)
    batch = batch_of(draw(make_composer(config), phase, np.random.default_rng(5)))
    assert batch.places[:, 0].eq(-1).all()
    assert all(torch.equal(a, b) for a, b in zip(batch.evidence, whole_evidence(batch.x), strict=True))
    wide = batch_of(draw(make_composer(config), phase.model_copy(update={"alone": 0}), np.random.default_rng(5)))
    assert not torch.equal(wide.planes, whole_evidence(wide.x).planes)


def test_a_phase_without_an_overview_has_none(config: TrainConfig) -> None:
    batch = batch_of(
        draw(make_composer(config), Phase(until=1, patch=32, images=1, patches=2), np.random.default_rng(5))
    )
    assert batch.overview is None


def test_what_the_overview_gets_wrong_is_in_the_loss(config: TrainConfig) -> None:
    """And only there: no gradient goes back through what patches are told."""
    trainer = Trainer(config)
    batch = batch_of(draw(make_composer(config), config.phases[0], np.random.default_rng(1)))
    with torch.no_grad():
        whole = float(trainer._loss(batch))
        free = Trainer(config.model_copy(update={"overview_loss": 0.0}))
        free.model.load_state_dict(trainer.model.state_dict())
        alone = float(free._loss(batch))
        assert batch.overview is not None
        seen = float(trainer._distance(trainer._matted(batch.overview)[0], batch.overview))
    assert seen > 0
    assert whole == pytest.approx(alone + config.overview_loss * seen, rel=1e-3)


def test_a_matte_is_learned_before_and_after_its_last_touch(config: TrainConfig) -> None:
    trainer = Trainer(config)
    batch = batch_of(draw(make_composer(config), config.phases[0], np.random.default_rng(1)))
    trainer.model.eval()
    with torch.no_grad():
        whole = float(trainer._loss(batch))
        blind = Trainer(config.model_copy(update={"untouched_loss": 0.0}))
        blind.model = trainer.model
        untouched = float(trainer._distance(trainer._matted(batch)[0], batch))
        rest = float(blind._loss(batch))
    assert whole - rest == pytest.approx(config.untouched_loss * untouched, rel=0.2)  # told of the overview, or not
    after = Trainer(config.model_copy(update={"untouched_loss": 0.0, "choice_loss": 0.0, "overview_loss": 0.0}))
    after._loss(batch).backward()  # type: ignore[no-untyped-call]
    for name, weight in after.model.decoder.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
