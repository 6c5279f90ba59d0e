"""What colour says of a block's queries, seen beyond each patch so that neighbours agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.geometry import Box, Grid
from hdmatt_core.nn.presets import COLOURS, EVIDENCE_CELL, EVIDENCE_HALO, EVIDENCE_MARGIN, PLANES
from hdmatt_core.nn.regions import FOREGROUND, UNKNOWN, trimap_classes
from hdmatt_core.stage import Array, Block
from hdmatt_stages.anywhere import far_around, likely_cells, palette_of, palettes_around
from hdmatt_stages.glance import factor_for, overview_around, overview_of
from hdmatt_stages.pool import grid_of
from hdmatt_stages.tiler import cut

STRIP = 64
"""Rows that are gathered into cells at a time."""


def seen_around(grid: Grid, slots: Sequence[int]) -> Box:
    """The pixels that the colour lines of the patches in ``slots`` depend on: their whole blocks, and a halo."""
    return Box.bounding(_whole(grid, number) for number in {slot // grid.block for slot in slots}).grown(EVIDENCE_HALO)


def evidence_of(block: Block, origin: tuple[int, ...], slots: Sequence[int], device: str = "cpu") -> Any:
    """What colour says of the patches in ``slots``, in rising order, seen with their surroundings; on ``device``.

    Gathered and coarsely solved once around all queries of a block of the grid, asked for or not: what is asked for
    together does not show in the bits. The block's ``image`` and ``trimap`` are of ``seen_around``, which begins at
    ``origin``; patches stand a multiple of ``EVIDENCE_CELL`` apart and so share cells. ``far`` are the rows of
    ``slots_around``, ``palette`` the blocks of ``palettes_around``.
    """
    import torch

    from hdmatt_core.nn.evidence import Evidence, near_lines
    from hdmatt_core.nn.solved import coarse_lines

    grid, near, planes, overview = grid_of(block.specs), [], [], _overview(block, device)
    palettes = block.array("palette"), palettes_around(grid, seen_around(grid, block.target.slots)).start
    for number, members in groupby(slots, lambda slot: slot // grid.block):
        seen = _queries(block, origin, grid, number).grown(EVIDENCE_HALO)
        cells = _cells(*_seen(block, origin, seen), device)
        lines = near_lines(cells, far_around(block.rows("far"), grid, seen).to(device))
        coarse = coarse_lines(cells, lines, likely_cells(*palettes, grid, seen, cells[:, -COLOURS:]))
        for together in _together(list(members), device):
            boxes = [grid.box(slot) for slot in together]
            near += [_beyond(lines, seen, box) for box in boxes]
            tables = torch.cat([palette_of(*palettes, grid, slot) for slot in together]).to(device)
            planes.append(_planes(block, origin, boxes, (coarse, seen), tables, overview))
    return Evidence(torch.cat(near), torch.cat(planes))


def evidence_within(block: Block, origin: tuple[int, ...], slots: Sequence[int], device: str = "cpu") -> Any:
    """What colour says of the patches in ``slots``, each seen alone, as in training of those that are; on ``device``.

    The block's ``image`` and ``trimap`` hold the patches and begin at ``origin``.
    """
    import torch

    from hdmatt_core.nn.evidence import Evidence, whole_evidence
    from hdmatt_core.nn.inputs import make_input

    boxes = (grid_of(block.specs).box(slot) for slot in slots)
    told = [whole_evidence(make_input(*_seen(block, origin, box), device)) for box in boxes]
    return Evidence(*(torch.cat(planes) for planes in zip(*told, strict=True)))


def _together(slots: list[int], device: str) -> list[list[int]]:
    """The patches whose fine levels are solved at a time: on a processor each alone, around what of it is unknown."""
    return [[slot] for slot in slots] if device == "cpu" else [slots]


def _beyond(lines: Any, seen: Box, box: Box) -> Any:
    """The lines of a box's cells and of one cell beyond each side, from those of all that is ``seen``."""
    (top, left), (bottom, right) = (
        [(a - o) // EVIDENCE_CELL for a, o in zip(corner, seen.start, strict=True)] for corner in (box.start, box.stop)
    )
    return lines[:, :, top - 1 : bottom + 1, left - 1 : right + 1]


def _overview(block: Block, device: str) -> Callable[[Sequence[Box]], Any]:
    """What the overview says of boxes of one size, None where there is no overview."""
    if "overview" not in block:
        return lambda boxes: None
    import torch

    grid, spec, window = grid_of(block.specs), block.specs["overview"], block.array("overview")
    origin, factor = overview_around(grid, block.target.slots, spec).start, factor_for(grid, spec)
    return lambda boxes: torch.cat([overview_of(window, origin, box, factor, device) for box in boxes])


def _planes(
    block: Block,
    origin: tuple[int, ...],
    boxes: Sequence[Box],
    coarse: tuple[Any, Box],
    tables: Any,
    overview: Callable[[Sequence[Box]], Any],
) -> Any:
    """Planes (n, 4, P, P) of evidence of patches, found around their unknown pixels, and elsewhere what the trimap
    says.

    One is solved from what is solved coarsely, and where that was seen; another is looked up in palettes' tables.
    """
    import torch

    from hdmatt_core.nn.evidence import planes_of
    from hdmatt_core.nn.inputs import make_input
    from hdmatt_core.nn.palette import looked_up
    from hdmatt_core.nn.solved import refined

    classes = np.stack([trimap_classes(cut(block.array("trimap"), origin, box)) for box in boxes])
    foreground = torch.from_numpy((classes == FOREGROUND).astype(np.float32)).to(tables.device)
    planes = foreground[:, None].repeat(1, PLANES, 1, 1)
    alone = tables.device.type == "cpu"
    inner = _around(classes[0] == UNKNOWN) if alone else Box((0, 0), boxes[0].shape)
    wide = [inner.shifted(box.start).grown(EVIDENCE_MARGIN) for box in boxes]
    image, trimap = map(np.concatenate, zip(*(_seen(block, origin, box) for box in wide), strict=True))
    x = make_input(image, trimap, tables.device)
    rows, columns = inner.slices
    solved = refined(x, torch.cat([_beyond(*coarse, box) for box in wide]), EVIDENCE_MARGIN)
    likely = looked_up(tables, x[:, :, EVIDENCE_MARGIN:-EVIDENCE_MARGIN, EVIDENCE_MARGIN:-EVIDENCE_MARGIN])
    seen = overview([inner.shifted(box.start) for box in boxes])
    planes[:, :, rows, columns] = planes_of(solved, likely, seen)
    return planes


def _around(mask: NDArray[np.bool_]) -> Box:
    """The smallest box of whole cells that holds all of a mask (at least one pixel)."""
    lines = [np.flatnonzero(mask.any(axis=axis)) // EVIDENCE_CELL for axis in (1, 0)]
    first, beyond = ([int(line[at]) for line in lines] for at in (0, -1))
    return Box(tuple(a * EVIDENCE_CELL for a in first), tuple((b + 1) * EVIDENCE_CELL for b in beyond))


def _seen(block: Block, origin: tuple[int, ...], box: Box) -> tuple[Array, Array]:
    """Colour (1, h, w, 3) and trimap (1, h, w) of a box."""
    image, trimap = (cut(block.array(port), origin, box)[None] for port in ("image", "trimap"))
    return image, trimap


def _whole(grid: Grid, number: int) -> Box:
    """The pixels of all patches of a block of the grid."""
    return Box.bounding(grid.box(slot) for slot in grid.present(number * grid.block, (number + 1) * grid.block))


def _queries(block: Block, origin: tuple[int, ...], grid: Grid, number: int) -> Box:
    """The pixels of those patches of a block of the grid that hold unknown ones."""
    boxes = (grid.box(slot) for slot in grid.present(number * grid.block, (number + 1) * grid.block))
    trimap = block.array("trimap")
    return Box.bounding(box for box in boxes if (trimap_classes(cut(trimap, origin, box)) == UNKNOWN).any())


def _cells(image: Array, trimap: Array, device: str) -> Any:
    """What is known per cell, (1, 11, h, w); on a processor in strips of rows, for the input of a block is large."""
    import torch

    from hdmatt_core.nn.evidence import known_cells
    from hdmatt_core.nn.inputs import make_input

    rows = STRIP if device == "cpu" else trimap.shape[1]
    strips = [slice(row, row + rows) for row in range(0, trimap.shape[1], rows)]
    return torch.cat([known_cells(make_input(image[:, s], trimap[:, s], device)) for s in strips], dim=2)
