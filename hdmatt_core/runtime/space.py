"""Room on disk: checked before the run starts, and one clear line where it ends in the middle."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.pipeline.sizes import format_size
from hdmatt_core.storage.store import RunStore

_NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the limit on file sizes is reached",
}


@contextmanager
def room(path: Path) -> Iterator[None]:
    """Where there is no room for what is written to ``path``, a UserError says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise UserError(f"{path}: {_NO_ROOM[error.errno]}; make space, then resume") from error


def check_disk(plan: Plan, store: RunStore) -> None:
    """UserError where what is still missing of the run's store does not fit the disk."""
    free, there = shutil.disk_usage(store.path).free, _stored(store.path)
    if plan.disk > free + there:
        raise UserError(
            f"{store.path}: the run's store may take {format_size(plan.disk)}, {format_size(free)} are free; "
            "make space, or give --scratch DIR"
        )


def _stored(path: Path) -> int:
    """Bytes that an earlier run left in the store: they need no room again."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
