"""Why a patch got its matte: the contexts that were chosen for it, and where in them its attention lies.

The choice, the features and both mattes come from the stages of the pipeline itself, run as a matting run does up to
the one patch that is asked about (:mod:`hdmatt_core.runtime.probe`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.explain_place import input_of, place
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.nn.regions import UNKNOWN
from hdmatt_core.pages.reduced import colour8, reduced
from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.runtime.events import Listener, unheard
from hdmatt_core.runtime.probe import Probe, Sight, probing
from hdmatt_core.runtime.request import Request
from hdmatt_core.stage import Block, Context, Gathered

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
OVERVIEW = 1600
"""Longest side, px, that the reduced picture of the whole has at most."""


@runtime_checkable
class TellsAttention(Protocol):
    """An aggregator whose attention can be explained; the built-in ones are."""

    def weights(self, block: Block, context: Context) -> dict[str, NDArray[Any]]:
        """By region (n, h w, k, h w): how each query position weighs the positions of the contexts.

        With k + 1 patches the last is the query's own.
        """
        ...


@dataclass(frozen=True)
class Patch:
    """A patch of the picture: its slot in the grid, box in pixels (y, x), and what is seen there."""

    slot: int
    box: Box
    rgb: Bytes  # (P, P, 3)
    trimap: Bytes  # (P, P)
    regions: Bytes  # (h, w)

    @property
    def cells(self) -> Floats:
        """Mean colour of each position, (h, w, 3), 0..1."""
        side = len(self.rgb) // len(self.regions)
        h, w = self.regions.shape
        mean = self.rgb.reshape(h, side, w, side, 3).mean(axis=(1, 3)) / 255
        return np.asarray(mean, np.float32)


@dataclass(frozen=True)
class Attention:
    """What one query chose and where it looks: ``weights`` are (h w, n, h, w) by region, over positions of ``seen``."""

    query: Patch
    contexts: tuple[Patch, ...]
    scores: tuple[float, ...]
    weights: Mapping[str, Floats]

    @property
    def own(self) -> bool:
        """Whether the query looks at its own patch, too."""
        return any(maps.shape[1] > len(self.contexts) for maps in self.weights.values())

    @property
    def seen(self) -> tuple[Patch, ...]:
        """The n patches that it looks at: its contexts, and perhaps itself, last."""
        return (*self.contexts, self.query) if self.own else self.contexts

    @property
    def unknown(self) -> NDArray[np.bool_]:
        """The query's unknown positions, (h, w): those that ask."""
        return np.equal(self.query.regions, UNKNOWN)


@dataclass(frozen=True)
class Explanation(Attention):
    """What the network saw and chose for the patch that decides about the pixel ``at`` (y, x).

    ``alphas`` (P, P) are the patch's mattes with its contexts and without; ``shape`` is that of the picture, which
    ``overview`` shows reduced by ``factor``.
    """

    at: tuple[int, int]
    alphas: tuple[Floats, Floats]
    shape: tuple[int, int]
    overview: Bytes
    factor: int

    @property
    def inside(self) -> tuple[int, int]:
        """The pixel within the patch."""
        y, x = (a - o for a, o in zip(self.at, self.query.box.start, strict=True))
        return y, x

    @property
    def position(self) -> tuple[int, int] | None:
        """The query position (row, column) asked about; None where the trimap knows it: then all unknown ones count."""
        side = len(self.query.rgb) // len(self.query.regions)
        row, column = self.inside[0] // side, self.inside[1] // side
        return (row, column) if self.unknown[row, column] else None

    def map(self, region: str, mean: bool = False) -> Floats:
        """Attention (n, h, w) of the position asked about, or the ``mean`` over the patch's unknown positions."""
        weights = self.weights[region]
        if mean or self.position is None:
            return np.asarray(weights[self.unknown.ravel()].mean(axis=0))
        row, column = self.position
        return np.asarray(weights[row * self.unknown.shape[1] + column])


def explain(request: Request, at: tuple[int, int] | None, listener: Listener = unheard) -> Explanation:
    """Explain the patch that counts most for the pixel ``at`` (y, x), by default the one with most unknown positions.

    ``request`` is that of the matte; the image is read by windows, so that its size does not matter. Raises UserError
    where the pixel is outside the picture or its patch has nothing unknown, and where the pipeline has no attention.
    """
    with probing(request, "decoder", listener) as probe:
        grid, slot, pixel = place(probe, at)
        sight = probe.look(probe.only("decoder"), slot)
        seen = attention(probe, sight, grid, slot)
        overview, factor = reduced(probe.space, input_of(probe, "image"), OVERVIEW)
        return Explanation(
            **{field.name: getattr(seen, field.name) for field in fields(seen)},
            at=pixel,
            alphas=(_matte(probe, sight), _without(probe, sight)),
            shape=grid.shape,
            overview=overview,
            factor=factor,
        )


def attention(probe: Probe, sight: Sight, grid: Grid, slot: int) -> Attention:
    """What the query in ``slot`` chose and where it looks; UserError if the pipeline's aggregator does not tell."""
    aggregator = probe.only("aggregator")
    block = sight.blocks.get(aggregator.name)
    if block is None or not isinstance(aggregator.stage, TellsAttention):
        raise UserError(
            f"stage '{aggregator.name}' ({aggregator.type.name}) does not tell where it looks; "
            "use aggregator.tgnl or aggregator.nonlocal"
        )
    sampler = probe.only("sampler")
    choice = [Ref(sampler.name, port) for port in ("choice", "scores")]
    # A sampler that needs no features (one that draws at random) has done its work in an earlier pass.
    made = sight.made if sight.made.keys() >= set(choice) else probe.look(sampler, slot).made
    chosen, scores = (made[ref][0] for ref in choice)
    there = chosen >= 0
    cells = block.gathered("regions").own.shape[1:]
    told = aggregator.stage.weights(block, probe.context(aggregator))
    return Attention(
        query=_patch(probe, grid, slot),
        contexts=tuple(_patch(probe, grid, int(other)) for other in chosen[there]),
        scores=tuple(float(score) for score in scores[there]),
        weights={region: _maps(values[0], there, cells) for region, values in told.items()},
    )


def _maps(weights: NDArray[Any], there: NDArray[np.bool_], cells: tuple[int, ...]) -> Floats:
    """Weights (h w, n, h w), without the contexts that are not there, as maps (h w, n, h, w)."""
    kept = np.append(there, np.ones(weights.shape[1] - len(there), bool))
    return np.asarray(weights[:, kept].reshape(len(weights), int(kept.sum()), *cells), np.float32)


def _patch(probe: Probe, grid: Grid, slot: int) -> Patch:
    box = grid.box(slot)
    image, trimap = (probe.space.window(input_of(probe, kind), box) for kind in ("image", "trimap"))
    regions = probe.space.rows(Ref(probe.only("tiler").name, "regions"), [slot])[0]
    return Patch(slot, box, colour8(image), trimap, regions)


def _matte(probe: Probe, sight: Sight) -> Floats:
    return cast("Floats", sight.made[Ref(probe.only("decoder").name, "patches")][0])


def _without(probe: Probe, sight: Sight) -> Floats:
    """The patch's matte as it would be without any context, by the same two stages."""
    aggregator, decoder = probe.only("aggregator"), probe.only("decoder")
    block = sight.blocks[aggregator.name]
    alone = {port: _nobody(rows) if isinstance(rows, Gathered) else rows for port, rows in block.arrays.items()}
    if "choice" in alone:
        alone["choice"] = np.full_like(block.array("choice"), -1)
    fused = aggregator.stage.run(replace(block, arrays=alone), probe.context(aggregator))["fused"]
    given = sight.blocks[decoder.name]
    arrays = {**given.arrays, "features": fused}
    return cast("Floats", decoder.stage.run(replace(given, arrays=arrays), probe.context(decoder))["patches"][0])


def _nobody(rows: Gathered) -> Gathered:
    return replace(rows, index=np.full_like(rows.index, -1))
