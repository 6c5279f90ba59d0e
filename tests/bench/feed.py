"""What training's data costs: samples a second of processor time, beside what a training step costs on the same core.

`python tests/bench/feed.py CONFIG [--steps N] [--loaders N ...]`; renders the configuration's pool first where it is
missing.
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from hdmatt_core.nn.network import HDMatt
from hdmatt_core.runtime.compute import precision
from hdmatt_core.runtime.machine import devices
from hdmatt_core.training.batch import Batch, batch_of
from hdmatt_core.training.cache import Cache, image_bytes
from hdmatt_core.training.compose import Composer
from hdmatt_core.training.config import Phase, TrainConfig, read_config
from hdmatt_core.training.drawing import draw
from hdmatt_core.training.feed import Batches, open_pool
from hdmatt_core.training.losses import matting_loss
from hdmatt_core.training.material import load_library


def learn(model: HDMatt, optimizer: torch.optim.Optimizer, batch: Batch, bf16: bool) -> None:
    """Do what a step of the loop does with a batch."""
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        x = batch.x.contiguous(memory_format=torch.channels_last)
        raw = model(x, batch.regions, batch.contexts, batch.evidence)
    matting_loss(raw.float(), batch.alpha, batch.unknown, batch.contrast, 0.3).backward()
    optimizer.step()


def decoded(config: TrainConfig) -> Composer:
    """Open and decode all material beforehand, as a run has done after some hundred steps; print what that takes."""
    began = time.process_time()
    library = load_library(config.data, "train", config.longest, cache := Cache(round(config.memory * 1e9)))
    held = sum(image_bytes(image) for image in library.backgrounds)
    for shelf in (library.photos, library.cutouts):
        held += sum(cutout.nbytes for cutout in shelf if cutout.smaller(1).size)
    print(f"decoding all material once: {time.process_time() - began:.1f} s, {held / 1e9:.2f} GB")
    pool = open_pool(config, cache)
    return Composer(library, pool.drawer(config.procedural.families) if pool else None, config.mix)


def beside_a_step(config: TrainConfig, steps: int) -> None:
    """Print, for each kind of phase, processor seconds to draw a batch and to learn from it, on one core."""
    composer = decoded(config)
    model = HDMatt(config.preset).train()
    optimizer = torch.optim.AdamW(model.parameters())
    faster = precision("auto", devices()["cpu"]) == "bfloat16"
    print(f"{'patches':>14s} {'draw, s':>9s} {'learn, s':>9s} {'share':>6s} {'patches/s/core':>15s}")
    for phase in dict.fromkeys(phase.model_copy(update={"until": 1.0}) for phase in config.phases):
        spent = [0.0, 0.0]
        for step in range(-3, steps):
            at = [time.process_time()]
            batch = batch_of(draw(composer, phase, np.random.default_rng([config.seed, step + 3])))
            at.append(time.process_time())
            learn(model, optimizer, batch, phase.bf16 and faster)
            at.append(time.process_time())
            if step >= 0:
                spent = [spent[0] + at[1] - at[0], spent[1] + at[2] - at[1]]
        drawn, work = (value / steps for value in spent)
        count = phase.images * phase.patches
        print(f"{count:>5d} x {phase.patch:d} px {drawn:9.3f} {work:9.3f} {drawn / work:6.0%} {count / drawn:15.1f}")


def through_loaders(config: TrainConfig, phase: Phase, loaders: int, steps: int) -> None:
    """Print batches a second of time as they arrive from processes, once these are under way."""
    feed = iter(Batches(config.model_copy(update={"loaders": loaders}), 0, lambda step: phase))
    warm = max(3 * loaders, 2)
    for _ in islice(feed, warm):
        pass
    began = time.perf_counter()
    for _ in islice(feed, steps):
        pass
    rate = steps * phase.images * phase.patches / (time.perf_counter() - began)
    print(f"{loaders} loaders: {rate:.1f} patches of {phase.patch} px a second")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--loaders", type=int, nargs="*", default=[])
    given = parser.parse_args()
    config = read_config(given.config)
    torch.set_num_threads(1)
    pool = open_pool(config)
    if pool:
        pool.fill()
    beside_a_step(config, given.steps)
    for loaders in given.loaders:
        through_loaders(config, config.phases[-1], loaders, given.steps)


if __name__ == "__main__":
    main()
