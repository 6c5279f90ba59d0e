"""Which block a worker does next."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence


class Turns:
    """Blocks to do, each once: a worker is given what it keeps rows of, then what nobody does, then others' last.

    A worker that takes over another's block makes the rows again: dearer than to wait for the end, never than to
    stand idle until then.
    """

    def __init__(self, blocks: Sequence[int], keepers: Mapping[int, str]) -> None:
        self._free: deque[int] = deque()
        self._kept: defaultdict[str, deque[int]] = defaultdict(deque)
        for block in blocks:
            (self._kept[keepers[block]] if block in keepers else self._free).append(block)

    def next(self, worker: str) -> int | None:
        """The next block for ``worker``; None when all are taken."""
        if own := self._kept.get(worker):
            return own.popleft()
        if self._free:
            return self._free.popleft()
        others = max(self._kept.values(), key=len, default=None)
        return others.pop() if others else None

    def put_back(self, blocks: Sequence[int]) -> None:
        """``blocks`` were taken, and are not done; the first is the next."""
        self._free.extendleft(reversed(blocks))

    @property
    def empty(self) -> bool:
        """Whether all blocks are taken."""
        return not self._free and not any(self._kept.values())
