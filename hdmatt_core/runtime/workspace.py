"""What a process holds of a run: opened arrays, tables, sources; windows and rows are read through it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from hdmatt_core.geometry import Box, Grid, mirrored, touched
from hdmatt_core.kinds import TileState
from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.pipeline.passes import Pass, whole_box
from hdmatt_core.pipeline.reach import Part, parts_of, target_in
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.kept import Kept
from hdmatt_core.runtime.spill import Spill
from hdmatt_core.shards.compiled import compiled
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Target, Tiles
from hdmatt_core.storage.rows import rows_of, store_rows, table_of
from hdmatt_core.storage.served import Served
from hdmatt_core.storage.store import array_of, open_arrays

KEPT_RUNS = 4
KNOWN_VALUES = {TileState.BACKGROUND: 0, TileState.FOREGROUND: 255}
"""What a source gives of a trimap that holds nothing else."""
_workspaces: dict[str, Workspace] = {}
_lock = threading.Lock()


class NotToldError(LookupError):
    """A task came to a process that does not know its run."""


class Workspace:
    """A process's view of one run."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._arrays: dict[Ref, zarr.Array[Any]] = {}
        self._decoded: dict[Ref, zarr.Array[Any]] = {}
        self._served: dict[str, Served] = {}
        self._pass = -1
        self._blocks: dict[int, list[Box]] = {}
        self.kept = Kept(job.keep, spill_of(job))
        self._tables: dict[Ref, Array] = {}
        self._masks: dict[tuple[Tiles, Grid], NDArray[np.bool_]] = {}
        self._parts: dict[str, Part] = {}
        self._busy = threading.RLock()

    def array(self, ref: Ref) -> zarr.Array[Any]:
        """The array ``ref`` in the run's store."""
        with self._busy:
            if ref not in self._arrays:
                self._arrays[ref] = array_of(open_arrays(self.job.arrays), name_of(ref))
            return self._arrays[ref]

    def pixels(self, ref: Ref, box: Box) -> Array:
        """The pixels of ``box``, all of it inside, of an array (y, x, ...) in the run's store."""
        with self._busy:
            if ref not in self._decoded:
                self._decoded[ref] = compiled(self.array(ref))
        return np.asarray(self._decoded[ref][box.slices])

    def served(self, work: Pass) -> Served | None:
        """The digests of a pass; None where the run keeps none."""
        if self.job.served is None:
            return None
        with self._busy:
            if work.name not in self._served:
                self._served[work.name] = Served(array_of(open_arrays(self.job.served), work.name))
            return self._served[work.name]

    def blocks(self, index: int) -> list[Box]:
        """The blocks of a pass, cut once: a gigapixel has thousands."""
        with self._busy:
            if index not in self._blocks:
                self._blocks[index] = self.job.plan.passes[index].blocks()
            return self._blocks[index]

    def enters(self, index: int) -> bool:
        """Whether this process has come to another pass."""
        with self._busy:
            before, self._pass = self._pass, index
            return before != index

    def spec(self, ref: Ref) -> ArraySpec:
        return self.job.plan.specs[ref]

    def table(self, ref: Ref) -> Array:
        """The whole of a table over tiles, read once; rows that are not stored take no memory."""
        with self._busy:
            if ref not in self._tables:
                array = self.array(ref)
                tiles = self.spec(ref).over_tiles
                self._tables[ref] = table_of(array) if tiles else np.asarray(array[...])
            return self._tables[ref]

    def computed(self, run: Tiles, grid: Grid) -> NDArray[np.bool_]:
        """Which slots (slots,) a stage over tiles of this sort is run for."""
        with self._busy:
            if (run, grid) not in self._masks:
                self._masks[run, grid] = self._mask(run, grid)
            return self._masks[run, grid]

    def _mask(self, run: Tiles, grid: Grid) -> NDArray[np.bool_]:
        present = np.zeros(grid.slots, dtype=bool)
        present[grid.present(0, grid.slots)] = True
        tiles = self.job.table("tiler", grid)
        if run is Tiles.ALL or tiles is None:
            return present
        query = self.table(tiles)[:, 2] == TileState.QUERY
        if run is Tiles.QUERIES:
            return np.asarray(query)
        pool = self.job.table("pool", grid)
        return np.asarray(present if pool is None else query | (self.table(pool) > 0) & present)

    def part(self, work: Pass) -> Part:
        """What the run makes of a pass: all of it, or what its region needs.

        The tables of tiles are always whole: a region is matted with the candidates of the whole image.
        """
        plan = self.job.plan
        if plan.region is None or plan.passes.index(work) in plan.survey:
            return self._whole(work)
        with self._busy:
            if not self._parts:
                self._parts = parts_of(self.job.graph, plan, plan.region, self._whole)
            return self._parts[work.name]

    def _whole(self, work: Pass) -> Part:
        return whole_box(work.spec) if work.grid is None else self.computed(work.run, work.grid)

    def slots(self, work: Pass) -> NDArray[np.bool_]:
        """Which slots (slots,) the run makes of a pass over tiles; ValueError for another."""
        part = self.part(work)
        if isinstance(part, Box):
            raise ValueError(f"pass '{work.name}' makes no rows by tile")
        return part

    def read_later(self, work: Pass, slots: Sequence[int]) -> tuple[Sequence[int], Any]:
        """Of ``slots`` those whose transient rows, made by ``work``, a later pass reads, and where they stand.

        In a run of the whole every row that is not zeros is read, and nothing has to be copied.
        """
        if self.job.plan.region is None:
            return slots, slice(None)
        readers = [p for p in self.job.plan.passes if not self.job.inherited(p).keys().isdisjoint(work.transient)]
        read = np.logical_or.reduce([self.slots(reader) for reader in readers])
        rows = [row for row, slot in enumerate(slots) if read[slot]]
        return [slots[row] for row in rows], rows

    def target(self, index: int, block: int) -> Target:
        """What is made of a block of a pass."""
        return target_in(self.blocks(index)[block], self.part(self.job.plan.passes[index]))

    def window(self, ref: Ref, box: Box) -> Array:
        """The pixels of ``box``, mirrored where it reaches beyond the image."""
        shape = self.spec(ref).shape[:2]
        known = known_value(self, ref, box.within(shape))
        if known is not None:
            return np.full(box.shape, known, self.spec(ref).dtype)
        if box.within(shape) == box:
            return self._inner(ref, box)
        inside = touched(box, shape)
        return mirrored(self._inner(ref, inside), inside, box, shape)

    def _inner(self, ref: Ref, box: Box) -> Array:
        source = None if ref.port else self.job.sources.get(ref.node)
        if source is None or self.job.plan.inputs[ref.node].reading == "streamed":
            return self.pixels(ref, box)
        block = Block(Target(box), {}, {}, frozenset({"pixels"}))
        return source.run(block, None)["pixels"]  # type: ignore[arg-type]  # a source needs no context

    def rows(self, ref: Ref, slots: Sequence[int]) -> Array:
        """Rows (len(slots), ...) of an array over tiles, in any order; zeros where nothing was written."""
        return rows_of(self.array(ref), slots)

    def write_rows(self, ref: Ref, target: Target, rows: Array | None, same: Sequence[int] = ()) -> None:
        """Store the rows of a block as the one shard that it owns; those in the slots ``same`` stay as they are."""
        slots, made = (target.slots, rows) if rows is not None else ((), self.rows(ref, ()))
        if same:
            slots, made = (*slots, *same), np.concatenate([made, self.rows(ref, same)])
        store_rows(self.array(ref), target.box.slices[0], slots, made)


def known_value(space: Workspace, ref: Ref, box: Box) -> int | None:
    """The one value of a box of the trimap, where the tables of tiles say that; the file need not be decoded again."""
    job = space.job
    table = None if job.plan.work is None else job.table_of_trimap(ref)  # while tiles are counted there is none
    grid = job.plan.specs[table].grid if table else None
    if table is None or grid is None or box.empty:
        return None
    states = np.unique(space.table(table)[grid.covering(box), 2])
    return KNOWN_VALUES.get(TileState(int(states[0]))) if len(states) == 1 else None


def spill_of(job: Job) -> Spill | None:
    """Where rows go that memory does not hold; workers elsewhere reach the store through a network, and make them."""
    return None if job.plan.resources.remote else Spill(job.arrays.parent, job.token, job.plan.disk)


def name_of(ref: Ref) -> str:
    """The array's name in the run's store: ``stage.port``, or ``input.name``."""
    return f"{ref.node}.{ref.port}" if ref.port else f"input.{ref.node}"


def workspace(job: Job) -> Workspace:
    """This process's workspace for ``job``, opened at first use; a long-lived worker keeps the last few."""
    with _lock:
        if job.token not in _workspaces:
            while len(_workspaces) >= KEPT_RUNS:
                _workspaces.pop(next(iter(_workspaces))).kept.close()
            _workspaces[job.token] = Workspace(job)
        return _workspaces[job.token]


def entered(token: str) -> Workspace:
    """The workspace of a run that this process was told of; NotToldError if it was not."""
    with _lock:
        if token not in _workspaces:
            raise NotToldError(token)
        return _workspaces[token]


def release(token: str) -> None:
    """Forget a run, and what it kept in memory."""
    with _lock:
        gone = _workspaces.pop(token, None)
    if gone is not None:
        gone.kept.close()
