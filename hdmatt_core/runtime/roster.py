"""The workers of a cluster as they come and go, and how many blocks each is given ahead."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hdmatt_core.errors import UserError

AHEAD = 2
"""Blocks given per thread: one running, one ready, so that no thread waits for the client."""
SHARE = 3
"""Tasks on one GPU: while one computes, another reads and a third writes."""
GPU = "GPU"
"""The resource by which dask's own tools tell workers that have a device."""
REFRESH = 1.0
PATIENCE = 60.0
"""Seconds between looks at the workers, and seconds for which a run waits when there is none."""

Admit = Callable[[Sequence[str]], Sequence[str]]
"""Of newcomers, by address, those that may compute."""
Able = Callable[[str], bool]
"""Whether a worker without a declared GPU may run the network."""


@dataclass(frozen=True)
class Member:
    """A worker that may compute: its threads and its GPUs as dask resources count them."""

    threads: int
    gpus: float

    def seats(self, *, on_gpu: bool) -> int:
        """How many blocks it is given at once."""
        running = min(self.threads, int(SHARE * self.gpus)) if on_gpu and self.gpus else self.threads
        return AHEAD * running


class Roster:
    """Who may compute now; newcomers are asked in once, and those who left are forgotten.

    ``where`` is the scheduler's address, None for workers that this process has started itself.
    """

    def __init__(self, client: Any, where: str | None, admit: Admit = list, able: Able = lambda address: True) -> None:
        self._client, self._where, self._admit, self._able = client, where, admit, able
        self._refused: set[str] = set()
        self._members: dict[str, Member] = {}
        self._looked = float("-inf")
        self._missed: float | None = None  # since when nobody is there who could go on

    def members(self) -> Mapping[str, Member]:
        """Workers by address."""
        if time.monotonic() - self._looked > REFRESH:
            self._look()
        return self._members

    def chosen(self, *, on_gpu: bool) -> Mapping[str, Member]:
        """Workers for a pass: those with a GPU compute on it, the others do the rest, if there are both.

        UserError when there has been none for a minute.
        """
        members = self.members()
        chosen = {address: member for address, member in members.items() if bool(member.gpus) is on_gpu}
        if not chosen:
            chosen = {a: m for a, m in members.items() if self._able(a)} if on_gpu else dict(members)
        return self._awaited(chosen)

    def wait(self) -> Mapping[str, Member]:
        """The workers, as soon as there is one; UserError if none comes."""
        while not self._awaited(self.members()):
            time.sleep(REFRESH / 4)
        return self._members

    def _awaited(self, found: Mapping[str, Member]) -> Mapping[str, Member]:
        """What was found, which may be nobody, but not for long."""
        now = time.monotonic()
        self._missed = None if found else self._missed or now
        if self._missed is not None and now - self._missed > PATIENCE:
            raise nobody(self._where)
        return found

    def _look(self) -> None:
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        running = {address: info for address, info in workers.items() if info.get("status", "running") == "running"}
        new = [address for address in running if address not in self._members and address not in self._refused]
        admitted = set(self._admit(new)) if new else set()
        self._refused |= set(new) - admitted
        self._members = {
            address: self._members.get(address) or _member(running[address])
            for address in running
            if address in self._members or address in admitted
        }
        self._looked = time.monotonic()


def nobody(where: str | None) -> UserError:
    """No worker came, or none is left."""
    if where is None:
        return UserError(
            f"--workers: no worker process has been alive for {PATIENCE:.0f} s, most likely for lack of memory; "
            "give fewer --workers, or a smaller --memory"
        )
    return UserError(
        f"--scheduler {where}: no worker that fits for {PATIENCE:.0f} s; start some with 'dask worker {where}'"
    )


def _member(info: Mapping[str, Any]) -> Member:
    return Member(int(info["nthreads"]), float(info.get("resources", {}).get(GPU, 0)))
