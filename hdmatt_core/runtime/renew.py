"""Making of a block only what an edit concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.runtime.look import Look
from hdmatt_core.storage.served import Digests, Served

if TYPE_CHECKING:
    from hdmatt_core.runtime.task import Task


def renew(task: Task, served: Served, block: int) -> Task | None:
    """Make what of ``block`` is made from other bytes than it was; the task that did, None if all stays as it is.

    Where tiles cannot be made alone, it is all or nothing. Tiles that are no longer made are cleared. Digests go before
    what they stand for is overwritten, and come after.
    """
    before, now = served.read(block), Look(task).digests()
    if now.any() and np.array_equal(before, now):
        return None
    task.still_ours()
    same = (before == now).all(axis=1) & now.any(axis=1) & task.job.tiles_alone
    _forget(served, block, before, same)
    part = _changed(task, same) if same.any() else task
    part.run()
    served.write(block, now)
    return part


def _forget(served: Served, block: int, before: Digests, same: NDArray[np.bool_]) -> None:
    true = np.where(same[:, None], before, 0).astype(np.uint8)
    if not np.array_equal(true, before):
        served.write(block, true)


def _changed(task: Task, same: NDArray[np.bool_]) -> Task:
    """The task for the tiles of a block that do not stay as they are."""
    first, slots = task.target.box.start[0], task.target.slots
    part = task.narrowed(tuple(slot for slot in slots if not same[slot - first]))
    part.same = tuple(slot for slot in slots if same[slot - first])
    return part
