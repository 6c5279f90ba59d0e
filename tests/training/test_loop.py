"""The loop: configuration, loss, resume and what it leaves behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.nn.header import read_header
from hdmatt_core.nn.weights import load
from hdmatt_core.training import loop
from hdmatt_core.training.config import TrainConfig, read_config
from hdmatt_core.training.loop import Trainer, train
from hdmatt_core.training.losses import matting_loss
from hdmatt_core.training.picture import Picture
from hdmatt_core.training.record import Record
from hdmatt_core.training.validate import half, interpolated, score, validation_pictures

SHIPPED = Path(__file__).parents[2] / "docs" / "training" / "hdmatt-s.yaml"


@pytest.fixture(autouse=True)
def _no_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation composes 640-px pictures; the loop is the same with none."""
    blank = Picture(
        np.zeros((640, 640, 3), np.uint8),
        np.zeros((640, 640), np.float32),
        np.full((640, 640), 128, np.uint8),
        np.zeros((640, 640), np.float32),
    )
    monkeypatch.setattr(loop, "validation_pictures", lambda config: [blank])


def test_training_leaves_weights_state_and_a_log(config_file: Path, config: TrainConfig) -> None:
    weights = train(config_file)
    assert read_header(weights).extra["steps"] == "3"
    assert load(weights).preset.name == "hdmatt-s"
    lines = [json.loads(line) for line in (config.out / "log.jsonl").read_text().splitlines()]
    assert "baseline_half" in lines[0]
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3]
    assert "val" in lines[-1]


def steps(trainer: Trainer, count: int) -> None:
    for batch in islice(trainer.batches(), count):
        trainer.learn(batch)


def test_a_resumed_run_equals_an_uninterrupted_one(config: TrainConfig, tmp_path: Path) -> None:
    whole = Trainer(config.model_copy(update={"out": tmp_path / "whole"}))
    steps(whole, 3)
    first = Trainer(config)
    steps(first, 1)
    first.checkpoint()
    second = Trainer(config)
    second.resume()
    steps(second, 2)
    assert second.step == whole.step
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name]), name
    for name, value in whole.average.state.items():
        assert torch.equal(value, second.average.state[name]), name


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights(config_file: Path, config: TrainConfig, tmp_path: Path) -> None:
    text = config_file.read_text().replace("steps: 3", "steps: 40")
    files = {}
    for name in ("whole", "killed"):
        files[name] = tmp_path / f"{name}.yaml"
        out = tmp_path / name
        files[name].write_text(text.replace(str(config.out), str(out)) + "\ncheckpoint_every: 0.0001\n")
    train(files["whole"])
    command = [sys.executable, "-m", "hdmatt_core", "train", str(files["killed"])]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    state = tmp_path / "killed" / "state.safetensors"
    while not state.exists() and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    train(files["killed"], resume=True)
    lines = {
        name: [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()] for name in files
    }
    curves = {name: {line["step"]: line["loss"] for line in found if "loss" in line} for name, found in lines.items()}
    assert len(lines["killed"]) > len(lines["whole"])
    assert curves["killed"] == curves["whole"]
    whole, killed = (safetensors.torch.load_file(tmp_path / name / "weights.safetensors") for name in files)
    assert all(torch.equal(value, killed[name]) for name, value in whole.items())


def test_the_curves_are_drawn_and_the_later_word_counts(tmp_path: Path) -> None:
    record = Record(tmp_path)
    for step, loss in ((1, 0.5), (2, 0.4), (2, 0.1), (3, 0.2)):
        record.add(step=step, loss=loss)
    record.add(step=3, val=[7.0, 0.05])
    record.draw()
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size[1] == 220  # two points make a curve, one does not
        assert len(picture.getcolors(100_000)) > 10


def test_a_device_that_is_not_there_is_one_line(config: TrainConfig) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(UserError, match="torch sees no CUDA device"):
        Trainer(config.model_copy(update={"device": "cuda"}))


def test_resuming_nothing_says_so(config_file: Path) -> None:
    with pytest.raises(UserError, match="without --resume"):
        train(config_file, resume=True)


def test_frozen_norm_keeps_its_statistics(config: TrainConfig) -> None:
    trainer = Trainer(config.model_copy(update={"freeze_norm_from": 0.0}))
    before = trainer.model.state_dict()["encoder.trunk.bn1.running_mean"].clone()
    steps(trainer, 1)
    assert torch.equal(trainer.model.state_dict()["encoder.trunk.bn1.running_mean"], before)


def test_frozen_weights_stay_and_scales_move_faster_than_weights(config: TrainConfig) -> None:
    trainer = Trainer(config.model_copy(update={"frozen": ("encoder.trunk.conv1", "context.phi")}))
    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    steps(trainer, 2)
    moved = {name: (weight - before[name]).abs().max().item() for name, weight in trainer.model.named_parameters()}
    still = {name for name, far in moved.items() if far == 0}
    assert still == {"encoder.trunk.conv1.weight", "context.phi.weight", "context.phi.bias"}
    assert moved["context.nearness"] > 10 * moved["context.theta.weight"]


def test_what_is_to_be_frozen_and_is_not_there_is_named(config: TrainConfig) -> None:
    with pytest.raises(UserError, match=r"no weight is called encoder.stem\.\.\.; there are context.delta, "):
        Trainer(config.model_copy(update={"frozen": ("encoder.stem",)}))


@pytest.mark.parametrize(("unit", "dtype"), [("AVX2", torch.float32), ("AVX512 BF16", torch.bfloat16)])
def test_bfloat16_is_for_machines_that_have_it(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, unit: str, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(loop, "devices", lambda: {"cpu": unit})
    phases = tuple(phase.model_copy(update={"bf16": True}) for phase in config.phases)
    trainer, made = Trainer(config.model_copy(update={"phases": phases})), list[torch.dtype]()
    trainer.model.decoder.lines.register_forward_hook(lambda _module, _given, lines: made.append(lines.dtype))
    steps(trainer, 1)
    assert set(made) == {dtype}


def test_a_batch_can_be_learnt_by_heart(config: TrainConfig) -> None:
    trainer = Trainer(config.model_copy(update={"steps": 1000, "seed": 2}))
    batch = next(trainer.batches())
    losses = [trainer.learn(batch) for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.5 * losses[0]


def test_loss_counts_unknown_pixels_alone_and_forgives_overshoot() -> None:
    alpha = torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]])
    unknown, contrast = torch.tensor([[[[1.0, 1.0], [1.0, 0.0]]]]), torch.zeros(1, 1, 2, 2)

    def loss(raw: list[list[float]]) -> float:
        return float(matting_loss(torch.tensor([[raw]]), alpha, unknown, contrast, 0.0))

    assert loss([[0, 1], [0.5, 9]]) == pytest.approx(0, abs=1e-5)
    assert loss([[0.3, 1], [0.5, 0]]) == pytest.approx(0.3 / 3 / 2, rel=1e-3)
    assert loss([[-0.3, 1.3], [0.5, 0]]) == pytest.approx(0.1 * 0.6 / 3 / 2, rel=1e-3)


def test_the_gradient_term_sees_a_jump_and_not_a_shift() -> None:
    alpha, ones, none = torch.full((1, 1, 4, 4), 0.5), torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    jump = alpha.clone()
    jump[..., 2:] += 0.2
    base = [float(matting_loss(raw, alpha, ones, none, 0.0)) for raw in (alpha + 0.2, jump)]
    more = [float(matting_loss(raw, alpha, ones, none, 1.0)) for raw in (alpha + 0.2, jump)]
    assert more[0] == pytest.approx(base[0])
    assert more[1] == pytest.approx(base[1] + 0.2 / 4)


def test_validation_pictures_are_the_same_for_every_run(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hdmatt_core.training.validate._PICTURES", 2)
    one = validation_pictures(config)
    two = validation_pictures(config.model_copy(update={"seed": 9}))
    assert [np.array_equal(a.rgb, b.rgb) for a, b in zip(one, two, strict=True)] == [True, True]
    assert score(one, lambda picture: picture.alpha) == (0, 0)
    assert score(one, half).mse > score(one, interpolated).mse > 0


def test_the_shipped_configuration_is_valid() -> None:
    assert read_config(SHIPPED).preset == "hdmatt-s"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("data: a\nout: b\n", "phases: Field required"),
        ("data: a\nout: b\nlearning: 1\nphases: []\n", "learning: Extra inputs"),
        ("data: a\nout: b\nphases: [{until: 1, patch: 33, images: 1, patches: 2}]\n", "phases.0.patch"),
        ("data: a\nout: b\nphases: [{until: 1, patch: 32, images: 1, patches: 2}]\n", "minutes or steps"),
        (
            "data: a\nout: b\nsteps: 9\npreset: hdmatt-r34\n"
            "phases: [{until: 1, patch: 32, images: 1, patches: 2, overview: 0.5}]\n",
            "hdmatt-r34 is told of no overview",
        ),
        ("data: [", "not YAML"),
        ("data: a\nout: b\nsteps: 9\nphases: [{until: 0.5, patch: 32, images: 1, patches: 2}]\n", "end at 1.0"),
    ],
)
def test_a_faulty_configuration_names_the_key(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=word):
        read_config(path)


def test_a_missing_configuration_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no training configuration"):
        read_config(tmp_path / "none.yaml")


def test_a_folder_or_bytes_are_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "bad.yaml"):
        with pytest.raises(UserError, match="give the path of a YAML file"):
            read_config(path)


def test_a_log_that_breaks_off_is_gone_on_with(tmp_path: Path) -> None:
    Record(tmp_path).add(step=1, loss=0.5)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    record = Record(tmp_path)
    record.add(step=2, loss=0.4)
    record.draw()
    assert [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [1, 2]
