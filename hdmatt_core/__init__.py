"""hdmatt: a matte for a picture of any size, through a pipeline of plug-in stages, in bounded memory."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hdmatt_core.api import Matte, Plan, Request, Result, load_pipeline, matte, plan, run

__all__ = ["Matte", "Plan", "Request", "Result", "load_pipeline", "matte", "plan", "run"]


def __getattr__(name: str) -> Any:
    """The interface is imported when it is used: a plug-in that imports the contract pays for nothing else."""
    if name in __all__:
        return getattr(import_module("hdmatt_core.api"), name)
    raise AttributeError(f"module 'hdmatt_core' has no attribute {name!r}")
