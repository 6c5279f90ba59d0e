"""The training loop behind `hdmatt train CONFIG`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hdmatt_core.errors import UserError
from hdmatt_core.nn.finish import touched
from hdmatt_core.nn.network import HDMatt
from hdmatt_core.nn.weights import load, save
from hdmatt_core.runtime.compute import precision
from hdmatt_core.runtime.machine import devices
from hdmatt_core.training.average import Average
from hdmatt_core.training.batch import Batch
from hdmatt_core.training.checkpoint import load_state, save_state
from hdmatt_core.training.config import Phase, TrainConfig, read_config
from hdmatt_core.training.feed import Batches
from hdmatt_core.training.losses import choice_loss, matting_loss
from hdmatt_core.training.origin import commit
from hdmatt_core.training.overview import told
from hdmatt_core.training.record import Record
from hdmatt_core.training.validate import Predictor, half, interpolated, score, validation_pictures

_COMPARED = 32
"""Patches of a batch that learn to choose each other as contexts: every position of one meets every one of the rest."""
_FASTER = 100
"""Times the rate at which attention's two scales learn: they are tens, where a step moves a weight by the rate at most.
At the rate of weights they stayed where they began, and attention a blur."""
Listener = Callable[["Trainer"], None]


def unheard(_trainer: Trainer) -> None:
    """Listen to nothing."""


def train(config_path: str | Path, resume: bool = False, listener: Listener = unheard) -> Path:
    """Train a network as a YAML file says and return the path of its weights.

    Writes `weights.safetensors`, `state.safetensors` (for `resume`), `log.jsonl` and `curves.png` to the configured
    folder; `listener` is told after every step. Raises UserError where the configuration, its data, the device or the
    state to resume is at fault.
    """
    config = read_config(config_path)
    torch.set_num_threads(config.threads)
    trainer = Trainer(config)
    if resume:
        trainer.resume()
    trainer.run(listener)
    return trainer.weights


class Trainer:
    """One run: network, average, optimiser and progress; `loss` is the mean since the last line of the log."""

    def __init__(self, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.device = _device(config.device)
        self.weights = config.out / "weights.safetensors"
        self.step, self.minutes, self.loss = 0, 0.0, math.nan
        model = load(config.start, config.preset) if config.start else HDMatt(config.preset)
        self.model = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        _freeze(self.model, config.frozen)
        self.average = Average(self.model, config.ema)
        scales, weights = ([w for w in self.model.parameters() if (w.dim() == 0) == scalar] for scalar in (True, False))
        self.optimizer = torch.optim.AdamW(
            [{"params": weights, "times": 1}, {"params": scales, "weight_decay": 0.0, "times": _FASTER}],
            weight_decay=config.weight_decay,
            fused=self.device.type == "cuda",
        )
        self.bf16_is_faster = precision("auto", devices()[self.device.type]) == "bfloat16"
        self.pictures = validation_pictures(config)
        self.record = Record(config.out)

    def resume(self) -> None:
        """Continue from the last saved state."""
        progress = load_state(self.config.out, self.model, self.average, self.optimizer)
        self.step, self.minutes = int(progress["step"]), progress["minutes"]

    def run(self, listener: Listener = unheard) -> None:
        """Train to the configured end, validating, saving and logging on the way."""
        self._note(baseline_half=score(self.pictures, half), baseline_distance=score(self.pictures, interpolated))
        batches = self.batches()
        saved = validated = self.minutes
        losses: list[float] = []
        while self.progress < 1:
            began = time.monotonic()
            losses.append(self.learn(next(batches)))
            self.loss = float(np.mean(losses))
            self.minutes += (time.monotonic() - began) / 60
            listener(self)
            if self.step % self.config.log_every == 0:
                self._note(loss=self.loss, lr=self._rate())
                losses.clear()
            if self.minutes - validated >= self.config.validate_every:
                validated = self.minutes
                self._note(val=self.validate())
            if self.minutes - saved >= self.config.checkpoint_every:
                saved = self.minutes
                self.checkpoint()
                self.record.draw()
        self._note(val=self.validate())
        self.checkpoint()
        self.record.draw()

    @property
    def progress(self) -> float:
        """The share of the budget that is spent, 0 to 1."""
        spent = self.minutes / self.config.minutes if self.config.minutes else self.step / (self.config.steps or 1)
        return min(1.0, spent)

    def validate(self) -> tuple[float, float]:
        """Return the averaged weights' SAD and MSE on the validation pictures."""
        model = HDMatt(self.config.preset)
        model.load_state_dict(self.average.state)
        return score(self.pictures, Predictor(model.to(self.device)))

    def checkpoint(self) -> None:
        """Write the state to resume from and the averaged weights."""
        progress = {"step": self.step, "minutes": self.minutes}
        save_state(self.config.out, self.model, self.average, self.optimizer, progress)
        extra = {"steps": str(self.step), "minutes": f"{self.minutes:.1f}"}
        named = {"commit": commit(), "data": self.config.data.name}
        save(self.model, self.weights, state=self.average.state, extra=extra, **named)

    def _phase(self, step: int) -> Phase:
        """The phase of a step that is to be drawn, by the progress so far where the end is a time."""
        progress = step / self.config.steps if self.config.steps else self.progress
        return next(phase for phase in self.config.phases if min(progress, 1.0) <= phase.until)

    def batches(self) -> Iterator[Batch]:
        """Draw from where the run stands; seeds follow from steps, so that a resumed run draws what it would have."""
        return iter(Batches(self.config, self.step, self._phase, self.device))

    def learn(self, batch: Batch) -> float:
        """Take one optimiser step and return the batch's loss."""
        self._prepare()
        loss = self._loss(batch)
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
            group["lr"] = group["times"] * self._rate()

    def _loss(self, batch: Batch) -> torch.Tensor:
        """The loss of the patches before and after their last touch, and of their overview where they are told."""
        config, seen = self.config, torch.zeros((), device=self.device)
        if batch.overview is not None:
            overview, _ = self._matted(batch.overview)
            seen = self._distance(overview, batch.overview)
            batch = batch._replace(planes=told(batch.planes, overview.detach().clamp(0.0, 1.0), batch.places))
        raw, features = self._matted(batch)
        loss = self._distance(touched(batch.x, raw), batch) + config.untouched_loss * self._distance(raw, batch)
        if config.choice_loss:
            scores, share = self.model.context.choice(features[:_COMPARED], batch.regions[:_COMPARED])
            loss = loss + config.choice_loss * choice_loss(scores, share)
        return loss + config.overview_loss * seen

    def _matted(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Alpha of a batch before the clamp (n, 1, P, P), and the features that it came from; float32."""
        x = batch.x.contiguous(memory_format=torch.channels_last)
        bf16 = self.bf16_is_faster and self._phase(self.step).bf16
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            raw, features = self.model.told(x, batch.regions, batch.contexts, batch.evidence)
        return raw.float(), features.float()

    def _distance(self, alpha: torch.Tensor, batch: Batch) -> torch.Tensor:
        return matting_loss(alpha, batch.alpha, batch.unknown, batch.contrast, self.config.gradient_loss)

    def _rate(self) -> float:
        """Linear warm-up by steps, cosine by progress."""
        config = self.config
        cosine = (1 + math.cos(math.pi * self.progress)) / 2
        warm = min(1.0, (self.step + 1) / (config.warmup + 1))
        return warm * (config.final_lr + (config.lr - config.final_lr) * cosine)

    def _note(self, **values: object) -> None:
        self.record.add(step=self.step, minutes=round(self.minutes, 2), **values)


def _freeze(model: nn.Module, beginnings: tuple[str, ...]) -> None:
    """Keep weights as they are; raises UserError for a beginning that none has."""
    names = dict(model.named_parameters())
    for beginning in beginnings:
        found = [weight for name, weight in names.items() if name.startswith(beginning)]
        if not found:
            raise UserError(f"frozen: no weight is called {beginning}...; there are {', '.join(_rooms(names))}")
        for weight in found:
            weight.requires_grad_(False)


def _rooms(names: Iterable[str]) -> list[str]:
    """The parts of a network, two names deep."""
    return sorted({".".join(name.split(".")[:2]) for name in names})


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device: cuda, but torch sees no CUDA device here; say device: auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
