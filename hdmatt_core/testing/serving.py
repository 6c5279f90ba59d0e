"""A stage run on arrays in memory: the reference meaning of every request, without store, plan or dask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hdmatt_core.geometry import Box, Grid, reflected
from hdmatt_core.kinds import TileState
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import (
    All,
    Array,
    Block,
    Context,
    Gather,
    Gathered,
    Own,
    Request,
    Rows,
    Specs,
    Stage,
    Target,
    TileRows,
    Tiles,
    Window,
)
from hdmatt_core.testing.context import FakeContext

IMAGE_DIMS = {2: ("y", "x"), 3: ("y", "x", "c")}


@dataclass(frozen=True, eq=False)
class Given:
    """An array in memory as an input: its values, its spec and, over tiles, the slots whose rows were computed."""

    array: Array
    spec: ArraySpec
    slots: tuple[int, ...] = ()


Inputs = Mapping[str, Given]


def given(image: Array) -> Given:
    """An image (H, W) or (H, W, C) at full resolution as an input."""
    return Given(image, ArraySpec(IMAGE_DIMS[image.ndim], image.shape, image.dtype.name))


def tiles_given(
    array: Array, dims: tuple[str, ...], grid: Grid, scale: int = 1, slots: Iterable[int] | None = None
) -> Given:
    """An array over the slots of ``grid``, of which ``slots`` (by default every patch) were computed."""
    computed = grid.present(0, grid.slots) if slots is None else slots
    return Given(array, ArraySpec(dims, array.shape, array.dtype.name, scale, grid), tuple(computed))


def serve(request: Request, port: str, inputs: Inputs, target: Target) -> Array | TileRows | Gathered:
    """What ``run`` finds at ``port`` for ``request``."""
    source = inputs[port]
    match request:
        case Own():
            return _own(source, target)
        case Window(box):
            return _window(source.array, box)
        case Rows(slots):
            kept = tuple(slot for slot in slots if slot in set(source.slots))
            return TileRows(kept, source.array[list(kept)])
        case Gather(index):
            return _gathered(source, inputs[index], target)
        case All():
            return source.array.copy()


def _own(source: Given, target: Target) -> Array:
    # An index array copies, a slice does not: what a stage does to its input must never reach the source.
    return source.array[list(target.slots)] if source.spec.over_tiles else source.array[target.box.slices].copy()


def _window(array: Array, box: Box) -> Array:
    rows, cols = (reflected(a, b, n) for a, b, n in zip(box.start, box.stop, array.shape[:2], strict=True))
    return array[rows[:, None], cols[None, :]]


def _gathered(source: Given, index: Given, target: Target) -> Gathered:
    own = list(target.slots)
    named = index.array[own]
    slots = np.unique(named[named >= 0])
    places = np.where(named >= 0, np.searchsorted(slots, named), -1).astype(np.int32)
    return Gathered(source.array[own], source.array[slots], places, tuple(int(s) for s in slots))


def specs_of(inputs: Inputs) -> Specs:
    return {port: source.spec for port, source in inputs.items()}


def whole_target(stage: Stage, inputs: Inputs) -> Target:
    """The target that is the whole output: every pixel, or every patch that the stage is run for."""
    made = next(iter(stage.infer(specs_of(inputs)).values()))
    if not made.over_tiles:
        return Target(Box((0, 0), (made.shape[0], made.shape[1])))
    assert made.grid is not None, f"{type(stage).__name__}.infer gives an array over tiles without a grid"
    slots = set(made.grid.present(0, made.grid.slots)) & _run_for(stage, inputs)
    return Target(Box((0,), (made.grid.slots,)), tuple(sorted(slots)))


def _run_for(stage: Stage, inputs: Inputs) -> set[int]:
    """The slots that ``stage.tiles_run`` means: by the table of tiles, else those all inputs were computed for.

    A stage that is made in one piece is run for all, whatever its inputs were computed for.
    """
    if stage.whole:
        return set(range(_slots(stage, inputs)))
    if "tiles" not in inputs or stage.tiles_run is Tiles.ALL:
        computed = [set(source.slots) for source in inputs.values() if source.spec.over_tiles]
        return set.intersection(*computed) if computed else set(range(_slots(stage, inputs)))
    queries = set(np.flatnonzero(inputs["tiles"].array[:, 2] == TileState.QUERY).tolist())
    if stage.tiles_run is Tiles.QUERIES:
        return queries
    return queries | set(np.flatnonzero(inputs["pool"].array).tolist())


def _slots(stage: Stage, inputs: Inputs) -> int:
    return next(iter(stage.infer(specs_of(inputs)).values())).shape[0]


def run_stage(
    stage: Stage,
    inputs: Inputs,
    target: Target | None = None,
    context: Context | None = None,
    wanted: Iterable[str] | None = None,
) -> dict[str, Array]:
    """Run ``stage`` once on ``inputs`` (by port name) for ``target``, by default the whole output.

    Requests are served from memory. ``wanted`` are the outputs asked for, by default all of them.
    """
    return stage.run(block_of(stage, inputs, target, wanted), context or FakeContext())


def block_of(stage: Stage, inputs: Inputs, target: Target | None = None, wanted: Iterable[str] | None = None) -> Block:
    """What ``run`` is called with: every request of ``stage`` for ``target`` served."""
    specs, asked = specs_of(inputs), target or whole_target(stage, inputs)
    arrays = {port: serve(request, port, inputs, asked) for port, request in stage.needs(asked, specs).items()}
    return Block(asked, specs, arrays, frozenset(stage.outputs if wanted is None else wanted))


def complete(stage: Stage, inputs: Inputs, context: Context | None = None) -> dict[str, Given]:
    """Run ``stage`` whole and give its outputs as inputs of the next: a pipeline in memory, one call per stage."""
    target = whole_target(stage, inputs)
    made = run_stage(stage, inputs, target, context)
    specs = stage.infer(specs_of(inputs))
    return {port: _scattered(made[port], spec, target) for port, spec in specs.items()}


def _scattered(rows: Array, spec: ArraySpec, target: Target) -> Given:
    if not spec.over_tiles:
        return Given(rows, spec)
    whole = np.zeros(spec.shape, spec.dtype)
    whole[list(target.slots)] = rows
    return Given(whole, spec, target.slots)
