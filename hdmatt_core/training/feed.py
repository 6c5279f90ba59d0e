"""What feeds training: batches by number, drawn here or by processes of their own, the same in any case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from hdmatt_core.training.batch import Batch, draw_batch
from hdmatt_core.training.cache import Cache
from hdmatt_core.training.compose import Composer
from hdmatt_core.training.config import Phase, TrainConfig
from hdmatt_core.training.material import load_library
from hdmatt_core.training.procedural.pool import Pool

_AHEAD = 3


class Order(NamedTuple):
    """A batch to draw: everything it depends on but the configuration."""

    step: int
    phase: Phase


def make_composer(config: TrainConfig) -> Composer:
    """Open the material and the pool of a configuration, without filling the pool."""
    cache = Cache(round(config.memory * 1e9 / max(config.loaders, 1)))
    library = load_library(config.data, "train", config.longest, cache)
    pool = open_pool(config, cache)
    drawer = pool.drawer(config.procedural.families) if pool else None
    return Composer(library, drawer, config.mix, plain=config.plain)


def open_pool(config: TrainConfig, cache: Cache | None = None) -> Pool | None:
    """Return the pool of procedural foregrounds, None where the mix has none."""
    wanted = config.procedural
    if not config.mix.procedural:
        return None
    return Pool(wanted.folder or config.out, wanted.seed, wanted.count, wanted.side, cache)


class Drawn(Dataset[Batch]):
    """Batches by order; opens its material at first use, so that it travels to another process as a configuration."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._composer: Composer | None = None

    def __getitem__(self, order: Order) -> Batch:
        """Draw a batch: it depends on seed, step and phase alone."""
        self._composer = self._composer or make_composer(self._config)
        return draw_batch(self._composer, order.phase, np.random.default_rng([self._config.seed, order.step]))


class Batches:
    """Iterate over the batches of a run from `start` on, without end and in order whatever the number of loaders.

    `phase_of` tells the phase of a step when its batch is ordered: with loaders, up to three a loader ahead of its use.
    """

    def __init__(self, config: TrainConfig, start: int, phase_of: Callable[[int], Phase]) -> None:
        self._config, self._start, self._phase_of = config, start, phase_of
        self._drawn = Drawn(config)
        # A fault of the material shows here, in one line, and not in a loader.
        load_library(config.data, "train", config.longest)
        pool = open_pool(config)
        if pool:
            pool.drawer(config.procedural.families)
            pool.fill_beside()

    def __iter__(self) -> Iterator[Batch]:
        if not self._config.loaders:
            return (self._drawn[order] for order in self._orders())
        return iter(
            DataLoader(
                self._drawn,
                batch_size=None,
                sampler=self._orders(),
                num_workers=self._config.loaders,
                multiprocessing_context="spawn",
                prefetch_factor=_AHEAD,
                pin_memory=torch.cuda.is_available(),
                collate_fn=_as_it_is,
                worker_init_fn=_alone,
            )
        )

    def _orders(self) -> Iterator[Order]:
        step = self._start
        while True:
            yield Order(step, self._phase_of(step))
            step += 1


def _as_it_is(batch: Any) -> Any:
    return batch


def _alone(_worker: int) -> None:
    torch.set_num_threads(1)
