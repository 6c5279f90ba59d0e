"""The training loop behind `hdmatt train CONFIG`."""

from __future__ import annotations

import json
import math
import subprocess
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hdmatt_core.nn.network import HDMatt
from hdmatt_core.nn.weights import load, save
from hdmatt_core.training.average import Average
from hdmatt_core.training.batch import Batch, draw_batch
from hdmatt_core.training.checkpoint import load_state, save_state
from hdmatt_core.training.config import Phase, TrainConfig, read_config
from hdmatt_core.training.feed import make_composer, open_pool
from hdmatt_core.training.losses import choice_loss, matting_loss
from hdmatt_core.training.validate import Predictor, half, interpolated, score, validation_pictures


def train(config_path: str | Path, resume: bool = False) -> Path:
    """Train a network as a YAML file says and return the path of its weights.

    Writes `weights.safetensors`, `state.safetensors` (for `resume`) and `log.jsonl` to the configured folder.
    Raises UserError where the configuration, its data or the state to resume is at fault.
    """
    config = read_config(config_path)
    torch.set_num_threads(config.threads)
    trainer = Trainer(config)
    if resume:
        trainer.resume()
    trainer.run()
    return trainer.weights


class Trainer:
    """One run: network, average, optimiser and progress."""

    def __init__(self, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.weights = config.out / "weights.safetensors"
        self.step, self.minutes = 0, 0.0
        self.model = load(config.start, config.preset) if config.start else HDMatt(config.preset)
        self.average = Average(self.model, config.ema)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), weight_decay=config.weight_decay)
        self.composer = make_composer(config)
        pool = open_pool(config)
        if pool:
            pool.fill_beside()
        self.pictures = validation_pictures(config)
        config.out.mkdir(parents=True, exist_ok=True)

    def resume(self) -> None:
        """Continue from the last saved state."""
        progress = load_state(self.config.out, self.model, self.average, self.optimizer)
        self.step, self.minutes = int(progress["step"]), progress["minutes"]

    def run(self) -> None:
        """Train to the configured end, validating, saving and logging on the way."""
        self._log(baseline_half=score(self.pictures, half), baseline_distance=score(self.pictures, interpolated))
        saved = validated = self.minutes
        losses: list[float] = []
        while self.progress < 1:
            began = time.monotonic()
            losses.append(self._train_step())
            self.minutes += (time.monotonic() - began) / 60
            if self.step % self.config.log_every == 0:
                self._log(loss=float(np.mean(losses)), lr=self._rate())
                losses.clear()
            if self.minutes - validated >= self.config.validate_every:
                validated = self.minutes
                self._log(val=self.validate())
            if self.minutes - saved >= self.config.checkpoint_every:
                saved = self.minutes
                self.checkpoint()
        self._log(val=self.validate())
        self.checkpoint()

    @property
    def progress(self) -> float:
        """The share of the budget that is spent, 0 to 1."""
        spent = self.minutes / self.config.minutes if self.config.minutes else self.step / (self.config.steps or 1)
        return min(1.0, spent)

    def validate(self) -> tuple[float, float]:
        """Return the averaged weights' SAD and MSE on the validation pictures."""
        model = HDMatt(self.config.preset)
        model.load_state_dict(self.average.state)
        return score(self.pictures, Predictor(model))

    def checkpoint(self) -> None:
        """Write the state to resume from and the averaged weights."""
        progress = {"step": self.step, "minutes": self.minutes}
        save_state(self.config.out, self.model, self.average, self.optimizer, progress)
        extra = {"steps": str(self.step), "minutes": f"{self.minutes:.1f}"}
        named = {"commit": _commit(), "data": self.config.data.name}
        save(self.model, self.weights, state=self.average.state, extra=extra, **named)

    def _train_step(self) -> float:
        phase = next(phase for phase in self.config.phases if self.progress <= phase.until)
        # The seed follows from the step, so that a resumed run draws what the uninterrupted one would have.
        batch = draw_batch(self.composer, phase, np.random.default_rng([self.config.seed, self.step]))
        self._prepare()
        loss = self._loss(batch, phase)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self.step += 1
        self.average.update(self.model, self.step)
        return float(loss.detach())

    def _prepare(self) -> None:
        self.model.train()
        if self.progress >= self.config.freeze_norm_from:
            for part in self.model.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.eval()
        self.optimizer.zero_grad(set_to_none=True)
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()

    def _loss(self, batch: Batch, phase: Phase) -> torch.Tensor:
        x = batch.x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=phase.bf16):
            raw, features = self.model.told(x, batch.regions, batch.contexts, batch.lines)
        loss = matting_loss(raw.float(), batch.alpha, batch.unknown, batch.contrast, self.config.gradient_loss)
        if self.config.choice_loss:
            loss = loss + self.config.choice_loss * choice_loss(
                *self.model.context.choice(features.float(), batch.regions)
            )
        return loss

    def _rate(self) -> float:
        """Linear warm-up by steps, cosine by progress."""
        config = self.config
        cosine = (1 + math.cos(math.pi * self.progress)) / 2
        warm = min(1.0, (self.step + 1) / (config.warmup + 1))
        return warm * (config.final_lr + (config.lr - config.final_lr) * cosine)

    def _log(self, **values: object) -> None:
        line = {"step": self.step, "minutes": round(self.minutes, 2), **values}
        with (self.config.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _commit() -> str:
    """The checked-out commit, or 'unknown' outside a repository."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
