"""What a run that makes only a region of the outputs needs of every pass, found from the last pass to the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box, touched
from hdmatt_core.pipeline.asking import needs_of
from hdmatt_core.pipeline.graph import Graph, Ref
from hdmatt_core.pipeline.passes import Pass, input_specs, whole_box
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Own, Request, Rows, Target, Window

Part = Box | NDArray[np.bool_]
"""What is made of an array: the pixels of a box (y, x), or which slots (slots,) of one over tiles."""


def parts_of(graph: Graph, plan: Plan, region: Box, whole: Callable[[Pass], Part]) -> dict[str, Part]:
    """What each pass, by name, has to make for the outputs to hold ``region`` as a run of the whole would make it.

    ``whole`` is all that a pass can make. Each stage is asked for what it needs to make its part, as its tasks will;
    those of the survey are not, for its tables are made whole.
    """
    wanted: dict[Ref, Part] = dict.fromkeys(graph.outputs.values(), region)
    parts: dict[str, Part] = {}
    for work in (plan.passes[i] for i in reversed(range(len(plan.passes))) if i not in plan.survey):
        asked = [wanted[ref] for step in work.steps for port in step.wanted if (ref := Ref(step.node, port)) in wanted]
        parts[work.name] = part = _part(work, asked, whole(work))
        for target in _targets(work, part):
            for step in work.steps:
                node, specs = graph.nodes[step.node], input_specs(graph.nodes[step.node], plan.specs)
                for port, request in needs_of(node, target, specs).items():
                    ref = node.wires[port]
                    wanted[ref] = _joined(wanted.get(ref), _needed(specs[port], request, target))
    return parts


def target_in(block: Box, part: Part) -> Target:
    """What is made of a block: the pixels, or the slots, that lie in the part."""
    if isinstance(part, Box):
        return Target(block.intersection(part))
    inside = np.flatnonzero(part[block.start[0] : block.stop[0]])
    return Target(block, tuple(int(i) + block.start[0] for i in inside))


def touching(blocks: Sequence[Box], part: Part) -> list[int]:
    """The numbers of the blocks of which something lies in the part."""
    if isinstance(part, Box):
        return [number for number, block in enumerate(blocks) if not block.intersection(part).empty]
    return [number for number, block in enumerate(blocks) if part[block.start[0] : block.stop[0]].any()]


def _part(work: Pass, asked: Sequence[Part], whole: Part) -> Part:
    """All that is asked of a pass, as far as it can make it; one that works in one piece makes all or nothing."""
    together: Part | None = None
    for one in asked:
        together = _joined(together, one)
    if isinstance(whole, Box):
        box = together if isinstance(together, Box) else Box(whole.start, whole.start)
        return whole if work.over == "whole" and not box.empty else box.intersection(whole)
    if not isinstance(together, np.ndarray) or not together.any():
        return np.zeros_like(whole)
    return whole if work.over == "whole" else whole & together


def _targets(work: Pass, part: Part) -> Iterator[Target]:
    blocks = work.blocks()
    return (target_in(blocks[number], part) for number in touching(blocks, part))


def _needed(spec: ArraySpec, request: Request, target: Target) -> Part:
    """What a stage reads of an array to make ``target``; of one over tiles all, where it says so only later."""
    if not spec.over_tiles:
        match request:
            case Own():
                return target.box
            case Window(box):
                return touched(box, spec.shape[:2])
            case _:
                return whole_box(spec)
    slots = target.slots if isinstance(request, Own) else request.slots if isinstance(request, Rows) else None
    mask = np.zeros(spec.shape[0], bool)
    mask[slice(None) if slots is None else list(slots)] = True
    return mask


def _joined(one: Part | None, other: Part) -> Part:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one | other
    if isinstance(one, Box) and isinstance(other, Box) and not one.empty:
        return Box.bounding([one, other])
    return other
