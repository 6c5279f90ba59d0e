"""What a run may use of a machine, and what its processes take before any pixel."""

from __future__ import annotations

from dataclasses import dataclass

PROCESS_BYTES = 450 << 20
"""Resident memory of a process with torch, dask, zarr and the network loaded, before any pixel (measured)."""
CLIENT_BYTES = 380 << 20
"""The client of worker processes: no network, no tasks (measured)."""


@dataclass(frozen=True)
class Resources:
    """What a run may use on this machine: bytes over all local processes, processes and threads in each."""

    budget: int
    processes: int  # 0: everything in this process
    threads: int
    remote: bool = False  # the workers are elsewhere: only the client counts here
