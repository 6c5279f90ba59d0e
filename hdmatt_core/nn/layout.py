"""How many bytes a patch's skips take; pure Python, for the plan."""

from __future__ import annotations

import math

from hdmatt_core.nn.presets import EVIDENCE_CELL, LINE_CHANNELS, PLANES, Preset

Part = tuple[str, tuple[int, int, int], int]


def skips_layout(preset: Preset, patch: int) -> list[Part]:
    """List the packed parts of one patch in their order: (dtype name, shape, bytes per value).

    Shapes are (h, w, c) of activations and places, which convolutions want so, and (c, h, w) of what follows them.
    """
    widths = preset.widths[:3]
    sides = [patch // 2, patch // 4, patch // 8, patch // 16]
    activations: list[Part] = [("float16", (s, s, w), 2) for w, s in zip(widths, sides[:3], strict=True)]
    places: list[Part] = [("uint8", (s, s, w), 1) for w, s in zip(widths, sides[1:], strict=True)]
    cells = patch // EVIDENCE_CELL + 2
    colour: list[Part] = [("float16", (3, patch, patch), 2), ("uint8", (1, patch, patch), 1)]
    evidence: list[Part] = [("float32", (LINE_CHANNELS, cells, cells), 4), ("uint8", (PLANES, patch, patch), 1)]
    return [*activations, *places, *colour, *evidence]


def skips_bytes(preset: Preset, patch: int) -> int:
    """Return the bytes of one square patch of `patch` px packed by `pack_skips`."""
    return sum(math.prod(shape) * size for _, shape, size in skips_layout(preset, patch))
