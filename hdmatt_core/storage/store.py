"""The store of one run, beside its output: arrays, ledgers, fingerprint, events, and a lock.

::

    alpha.png.run/
      run.json       fingerprint and the command that goes on
      events.jsonl   what happened, a line each
      report.html    a page about the run, if it is kept
      lock           held while a run is alive (released by the kernel if it dies)
      arrays.zarr/   intermediate arrays and results, by "stage.port"
      ledger.zarr/   finished blocks, by pass
      served.zarr/   what they were made from, as digests; of a run that is kept
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any

import zarr
from zarr.storage import LocalStore

from hdmatt_core.errors import ResumeError, UserError
from hdmatt_core.storage.ledger import Ledger

Fingerprint = Mapping[str, str]
"""What must not change between the runs that make one result: a name a person knows, and a value or digest."""
_GROUPS = ("arrays.zarr", "ledger.zarr", "served.zarr")


class RunStore:
    """A locked run folder; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None
        self._token = ""
        self.made = False
        """Whether what lies here was begun through this object, and not by an earlier run."""

    @property
    def arrays_path(self) -> Path:
        return self.path / "arrays.zarr"

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    def __enter__(self) -> RunStore:
        try:
            while self._lock is None:
                self.path.mkdir(parents=True, exist_ok=True)
                self._lock = _locked(self.path / "lock")
        except OSError as error:
            raise UserError(f"{self.path}: cannot write the run's store ({error.strerror})") from error
        self._token = token_of(self.path)
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Take the whole store away while it is locked: nobody has begun anew in it meanwhile."""
        shutil.rmtree(self.path)

    def begun(self) -> bool:
        """Whether an earlier run left something to go on from."""
        return (self.path / "run.json").exists()

    def begin(self, fingerprint: Fingerprint, command: str) -> None:
        """Start afresh: forget what is here, write the fingerprint last and in one piece.

        What says whose the store is goes first: a task of the run before that misses its arrays then knows why.
        """
        self.made = True
        for name in ("run.json", "events.jsonl"):
            (self.path / name).unlink(missing_ok=True)
        for name in _GROUPS:
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in ("arrays.zarr", "ledger.zarr"):
            zarr.create_group(LocalStore(self.path / name))
        self._write(fingerprint, command, generation=1)

    def verify(self, fingerprint: Fingerprint) -> None:
        """ResumeError naming what changed since the store was begun; left-over partial files are removed."""
        changed = self._changed(fingerprint)
        if changed:
            names = ", ".join(changed)
            raise ResumeError(
                f"{self.path}: cannot resume, changed since: {names}; start anew with --overwrite",
                detail=tuple(changed.values()),
            )
        self._tidy()

    def update(self, fingerprint: Fingerprint, command: str, inputs: Collection[str]) -> None:
        """Take the run up for other contents of ``inputs``, named as in the fingerprint: all is unfinished then.

        One file is replaced, in one piece: before, the store is the old run's, and from then on the new one's.
        ResumeError naming whatever else changed.
        """
        changed = self._changed(fingerprint)
        others = {name: what for name, what in changed.items() if name not in inputs}
        if others:
            names = ", ".join(others)
            raise ResumeError(
                f"{self.path}: cannot update, changed since: {names}; start anew with --overwrite --keep-run",
                detail=tuple(others.values()),
            )
        self._tidy()
        if changed:
            self._write(fingerprint, command, self.generation + 1)

    @property
    def generation(self) -> int:
        """How many times the inputs were other ones, the first included."""
        return int(self._begun()["generation"])

    def recorded(self, name: str) -> str:
        """What the fingerprint holds under ``name``."""
        return str(self._begun()["fingerprint"][name])

    @property
    def remembers(self) -> bool:
        """Whether digests of what blocks were made from are kept."""
        return self.served_path.exists()

    def remember(self) -> None:
        """From now on keep digests of what blocks are made from."""
        if not self.remembers:
            zarr.create_group(LocalStore(self.served_path))

    def ledger(self, name: str, blocks: int) -> Ledger:
        """The finished blocks of a pass."""
        return Ledger(self.ledgers(), name, blocks, self.generation, ours=lambda: token_of(self.path) == self._token)

    def _write(self, fingerprint: Fingerprint, command: str, generation: int) -> None:
        partial = self.path / "run.json.partial"
        begun = {
            "token": uuid.uuid4().hex,
            "generation": generation,
            "fingerprint": dict(fingerprint),
            "command": command,
        }
        partial.write_text(json.dumps(begun, indent=1))
        partial.replace(self.path / "run.json")
        self._token = str(begun["token"])

    def _begun(self) -> dict[str, Any]:
        try:
            begun: dict[str, Any] = json.loads((self.path / "run.json").read_text())
            return {"fingerprint": dict(begun["fingerprint"]), "generation": int(begun["generation"])}
        except (ValueError, KeyError, TypeError) as error:
            raise ResumeError(f"{self.path}: the run's store is damaged; start anew with --overwrite") from error

    def _changed(self, fingerprint: Fingerprint) -> dict[str, str]:
        """What differs from the store's fingerprint, by name, and how."""
        old = self._begun()["fingerprint"]
        return {
            name: f"{name}: was {old.get(name, 'absent')}, is {fingerprint.get(name, 'absent')}"
            for name in sorted(old.keys() | fingerprint.keys())
            if old.get(name) != fingerprint.get(name)
        }

    def _tidy(self) -> None:
        for leftover in self.path.rglob("*.partial"):
            leftover.unlink()

    def arrays(self) -> zarr.Group:
        return zarr.open_group(LocalStore(self.arrays_path), mode="r+")

    def ledgers(self) -> zarr.Group:
        return zarr.open_group(LocalStore(self.path / "ledger.zarr"), mode="r+")

    @property
    def served_path(self) -> Path:
        return self.path / "served.zarr"


def token_of(path: Path) -> str:
    """What tells the run in the store at ``path`` from one that is begun anew there; empty if there is none."""
    try:
        return str(json.loads((path / "run.json").read_text()).get("token", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def open_arrays(path: Path) -> zarr.Group:
    """The arrays, or the digests, of a run's store, for a worker."""
    return zarr.open_group(LocalStore(path), mode="r+")


def array_of(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """The array ``name`` of ``group``; KeyError if there is none."""
    found = group[name]
    if not isinstance(found, zarr.Array):
        raise KeyError(name)
    return found


def _locked(path: Path) -> IO[str] | None:
    """The lock of a store; None where the store was taken away while it was being locked.

    UserError where another process holds it, and where the folder is somebody's and not a run's.
    """
    folder = path.parent
    if not path.exists() and any(folder.iterdir()):
        raise UserError(f"{folder}: is there, and is not a run's store; move it away, or give another output")
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        owner = handle.read().strip() or "another process"
        handle.close()
        raise UserError(f"{path.parent}: in use by {owner}; wait for it, or give another output") from None
    if not path.exists() or not os.path.samestat(os.fstat(handle.fileno()), path.stat()):
        handle.close()
        return None
    handle.truncate(0)
    handle.write(f"process {os.getpid()} on {socket.gethostname()}")
    handle.flush()
    return handle
