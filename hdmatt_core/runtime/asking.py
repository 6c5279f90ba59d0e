"""Asking the workers of a cluster, one by one: one that is stuck must not keep the others from answering."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

ANSWER = 90.0
"""Seconds within which a worker answers; importing torch from a slow disk is part of it."""


def ask(client: Any, function: Callable[..., Any], *args: Any, workers: Sequence[str]) -> dict[str, Any]:
    """What ``function`` gives on each worker, or the exception that it met; TimeoutError for one that is silent."""

    async def one(worker: str) -> Any:
        try:
            asked = client._run(function, *args, workers=[worker], on_error="return")
            return (await asyncio.wait_for(asked, ANSWER))[worker]
        except TimeoutError:
            return TimeoutError(f"no answer for {ANSWER:.0f} s")

    async def every() -> list[Any]:
        return await asyncio.gather(*(one(worker) for worker in workers))

    return dict(zip(workers, client.sync(every), strict=True))
