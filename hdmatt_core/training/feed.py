"""What feeds training: batches by number, drawn here or by processes of their own, the same in any case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from hdmatt_core.training.batch import Batch, batch_of
from hdmatt_core.training.cache import Cache
from hdmatt_core.training.compose import Composer
from hdmatt_core.training.config import Phase, TrainConfig
from hdmatt_core.training.drawing import Drawing, draw
from hdmatt_core.training.material import load_library
from hdmatt_core.training.procedural.pool import Pool

T = TypeVar("T")
_AHEAD = 3
_PROCESSOR = torch.device("cpu")


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


class Drawn(Dataset[Drawing | Batch]):
    """Drawings by order, or batches of them with `finished`; opens its material at first use, so that it travels to
    another process as a configuration."""

    def __init__(self, config: TrainConfig, finished: bool) -> None:
        self._config, self._finished = config, finished
        self._composer: Composer | None = None

    def __getitem__(self, order: Order) -> Drawing | Batch:
        """Draw: what comes depends on seed, step and phase alone."""
        self._composer = self._composer or make_composer(self._config)
        drawing = draw(self._composer, order.phase, np.random.default_rng([self._config.seed, order.step]))
        return batch_of(drawing) if self._finished else drawing


class Batches:
    """Iterate over the batches of a run from `start` on, without end and in order whatever the number of loaders.

    They lie on `device`. An accelerator computes their evidence itself, of one batch while it learns from the one
    before, otherwise whoever draws them does. `phase_of` tells the phase of a step when its batch is ordered: with
    loaders, up to three a loader ahead of its use, and one more for an accelerator.
    """

    def __init__(
        self, config: TrainConfig, start: int, phase_of: Callable[[int], Phase], device: torch.device = _PROCESSOR
    ) -> None:
        self._config, self._start, self._phase_of, self._device = config, start, phase_of, device
        self._drawn = Drawn(config, finished=device.type == "cpu")
        # A fault of the material shows here, in one line, and not in a loader.
        load_library(config.data, "train", config.longest)
        pool = open_pool(config)
        if pool:
            pool.drawer(config.procedural.families)
            pool.fill_beside()

    def __iter__(self) -> Iterator[Batch]:
        batches = (self._finished(drawn) for drawn in self._in_order())
        return batches if self._device.type == "cpu" else one_ahead(batches)

    def _finished(self, drawn: Drawing | Batch) -> Batch:
        return drawn if isinstance(drawn, Batch) else batch_of(drawn.to(self._device))

    def _in_order(self) -> Iterator[Drawing | Batch]:
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
                pin_memory=self._device.type == "cuda",
                collate_fn=_as_it_is,
                worker_init_fn=_alone,
            )
        )

    def _orders(self) -> Iterator[Order]:
        step = self._start
        while True:
            yield Order(step, self._phase_of(step))
            step += 1


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """Iterate over items of which a thread always makes the next one; a fault comes where its item would have.

    Evidence is thousands of small kernels: their launching, not their running, takes the time, and a processor that
    waits for the network is free for it.
    """
    with ThreadPoolExecutor(1) as beside:
        coming = beside.submit(lambda: next(items))
        while True:
            try:
                item = coming.result()
            except StopIteration:
                return
            coming = beside.submit(lambda: next(items))
            yield item


def _as_it_is(batch: Any) -> Any:
    return batch


def _alone(_worker: int) -> None:
    torch.set_num_threads(1)
