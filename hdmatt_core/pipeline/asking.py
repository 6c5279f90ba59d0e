"""Calling a stage so that what goes wrong names whose stage it is."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TypeVar

from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.failure import stage_failure
from hdmatt_core.pipeline.graph import Node
from hdmatt_core.stage import All, Gather, Own, Request, Rows, Specs, Target, Window

OWN_DISTRIBUTION = "hdmatt"
T = TypeVar("T")


def asked(node: Node, doing: str, call: Callable[[], T], place: str = "") -> T:
    """What ``call`` gives; an exception of somebody else's stage becomes a StageError that names its distribution.

    A bug of a built-in stage keeps its type and traceback, with a note of where it happened; so does an OSError,
    which tells of the machine and not of the stage. What a stage tells the person is said to come from it.
    """
    own = node.type.distribution.split(" ")[0] == OWN_DISTRIBUTION
    try:
        return call()
    except OSError:
        raise
    except UserError as error:
        if own or type(error) is not UserError:
            raise
        raise UserError(f"stage '{node.name}' ({node.type.name}): {error.message}", detail=error.detail) from error
    except (Exception, SystemExit) as error:
        where = f"{place}, " if place else ""
        if own:
            error.add_note(f"in {where}stage '{node.name}' ({node.type.name}), {doing}")
            raise
        raise stage_failure(f"{where}stage '{node.name}'", node.type.name, node.type, doing, error) from error


def needs_of(node: Node, target: Target, specs: Specs) -> dict[str, Request]:
    """What the stage must read to make ``target``."""
    return asked(node, "needs", lambda: _sound_requests(node.stage.needs(target, specs), specs))


def scratch_of(node: Node, target: Target, specs: Specs) -> int:
    """Bytes that the stage allocates beside its inputs and outputs."""
    return asked(node, "scratch", lambda: operator.index(node.stage.scratch(target, specs)))


def _sound_requests(requests: dict[str, Request], specs: Specs) -> dict[str, Request]:
    """What ``needs`` gave; TypeError where it asks for what there is not, or in a way that the port does not have."""
    if not isinstance(requests, Mapping):
        raise TypeError(f"needs gave {type(requests).__name__} instead of a request by port")
    for port, request in requests.items():
        if port not in specs:
            raise TypeError(f"needs asks for {port!r}, which is not wired; there are {', '.join(specs)}")
        wrong = _wrong(request, port, specs)
        if wrong:
            raise TypeError(f"needs asks for {port!r} by {request!r}: {wrong}")
    return requests


def _wrong(request: Request, port: str, specs: Specs) -> str:
    tiles = specs[port].over_tiles
    match request:
        case Window(box):
            flat = len(box.start) == len(box.stop) in (0, 2)  # around no patches there is no box
            upright = flat and all(a <= b for a, b in zip(box.start, box.stop, strict=True))
            return "a window is a box (y, x) of pixels" if tiles or not upright else ""
        case Rows():
            return "" if tiles else "rows are of arrays over tiles"
        case Gather(index):
            known = tiles and index in specs and specs[index].over_tiles
            return "" if known else "rows are gathered from an array over tiles, by another one that is wired"
        case Own() | All():
            return ""
    return "that is no request"
