"""Calling a stage so that what goes wrong names whose stage it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.failure import stage_failure
from hdmatt_core.pipeline.graph import Node
from hdmatt_core.stage import Request, Specs, Target

OWN_DISTRIBUTION = "hdmatt"
T = TypeVar("T")


def asked(node: Node, doing: str, call: Callable[[], T], place: str = "") -> T:
    """What ``call`` gives; an exception of somebody else's stage becomes a StageError that names its distribution.

    A bug of a built-in stage keeps its type and traceback, with a note of where it happened; so does an OSError,
    which tells of the machine and not of the stage.
    """
    try:
        return call()
    except (UserError, OSError):
        raise
    except Exception as error:
        where = f"{place}, " if place else ""
        if node.type.distribution.split(" ")[0] == OWN_DISTRIBUTION:
            error.add_note(f"in {where}stage '{node.name}' ({node.type.name}), {doing}")
            raise
        raise stage_failure(f"{where}stage '{node.name}'", node.type.name, node.type, doing, error) from error


def needs_of(node: Node, target: Target, specs: Specs) -> dict[str, Request]:
    """What the stage must read to make ``target``."""
    return asked(node, "needs", lambda: node.stage.needs(target, specs))


def scratch_of(node: Node, target: Target, specs: Specs) -> int:
    """Bytes that the stage allocates beside its inputs and outputs."""
    return asked(node, "scratch", lambda: node.stage.scratch(target, specs))
