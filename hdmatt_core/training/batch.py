"""Batches: patches of drawn pictures as the network takes them, with what colour says of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from hdmatt_core.nn.evidence import Evidence, whole_evidence
from hdmatt_core.nn.inputs import input_of
from hdmatt_core.nn.presets import EVIDENCE_CELL
from hdmatt_core.training.drawing import Drawing

_EIGHT_BIT = 255.0


class Batch(NamedTuple):
    """n patches of P px: `x` (n, 6, P, P), `regions` (n, P/16, P/16), `contexts` (n, K), `lines` and
    `planes`: their evidence; `alpha`, `unknown` (the loss's weight) and `contrast` are (n, 1, P, P) float32.

    `overview` are the whole pictures, reduced, where patches are told of them: the picture and corner (y, x) of each
    patch are its row of `places` (n, 3), -1 for the picture where it is not told.
    """

    x: Tensor
    regions: Tensor
    contexts: Tensor
    lines: Tensor
    planes: Tensor
    alpha: Tensor
    unknown: Tensor
    contrast: Tensor
    places: Tensor
    overview: Batch | None = None

    @property
    def evidence(self) -> Evidence:
        """What colour says of the patches."""
        return Evidence(self.lines, self.planes)


def batch_of(drawing: Drawing) -> Batch:
    """Cut the patches of a drawing, with evidence that is seen from their whole pictures, or of those that know nothing
    else by contexts alone; where the drawing lies.

    It is most of the work, and an accelerator does it while processors draw.
    """
    pictures = input_of(drawing.rgb.permute(0, 3, 1, 2), _EIGHT_BIT, drawing.classes)
    told = whole_evidence(pictures)
    alpha, weight, contrast = (plane[:, None] for plane in (drawing.alpha, drawing.weight, drawing.contrast))
    x, planes, alpha, weight, contrast = (
        _cut(planes, drawing, 1) for planes in (pictures, told.planes, alpha, weight, contrast)
    )
    lines = _cut(told.lines, drawing, EVIDENCE_CELL)
    if drawing.alone.any():
        lines[drawing.alone], planes[drawing.alone] = whole_evidence(x[drawing.alone])
    return Batch(
        x,
        drawing.regions,
        drawing.contexts,
        lines,
        planes,
        alpha,
        weight,
        contrast,
        _told(drawing),
        None if drawing.overview is None else batch_of(drawing.overview),
    )


def _cut(planes: Tensor, drawing: Drawing, cell: int) -> Tensor:
    """The patches (n, C, P, P) of planes (I, C, S, S); of cells, with one more beyond each side of (I, C, S/cell + 2,
    S/cell + 2)."""
    side = drawing.patch // cell + (2 if cell > 1 else 0)
    return torch.stack(
        [
            planes[picture, :, y // cell : y // cell + side, x // cell : x // cell + side]
            for picture, y, x in drawing.places.tolist()
        ]
    )


def _told(drawing: Drawing) -> Tensor:
    """The places of a drawing's patches, with -1 for the picture of those that are told of no overview."""
    places = drawing.places.clone()
    places[:, 0] = torch.where(drawing.told, places[:, 0], -1)
    return places
