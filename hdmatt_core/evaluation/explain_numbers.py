"""The numbers of an explanation: how attention is spread over each region, and what colours it finds there."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.evaluation.explain import Explanation, Patch
from hdmatt_core.nn.regions import BACKGROUND, FOREGROUND, UNKNOWN

CODES = {"unknown": UNKNOWN, "foreground": FOREGROUND, "background": BACKGROUND}
NAMES = {"unknown": "U-U, to unknown", "foreground": "U-F, to foreground", "background": "U-B, to background"}
"""The paper's names of the three maps."""


@dataclass(frozen=True)
class Looked:
    """Where one region's attention lies.

    ``positions`` could be looked at; ``spread`` is the number of them over which equal weights would be as uncertain,
    ``exp(entropy)``; ``heaviest`` the largest weight; ``colour`` the mean colour seen, RGB 0..1; ``shares`` by patch.
    """

    region: str
    positions: int
    spread: float
    heaviest: float
    colour: tuple[float, ...]
    shares: tuple[float, ...]
    map: NDArray[np.float32] = field(repr=False)
    mask: NDArray[np.bool_] = field(repr=False)

    def sentence(self) -> str:
        """The numbers in words."""
        name = NAMES.get(self.region, self.region)
        if not self.positions:
            return f"{name}: there is none where it looks"
        spread = f"as spread as {self.spread:.0f} of {self.positions} positions"
        return f"{name}: {spread}, the heaviest {100 * self.heaviest:.2g} %; mean colour seen:"

    @property
    def hex(self) -> str:
        """The mean colour seen, as #rrggbb."""
        return "#" + "".join(f"{round(255 * min(1.0, c)):02x}" for c in self.colour)

    def numbers(self) -> dict[str, Any]:
        """What goes into JSON."""
        return {name: value for name, value in asdict(self).items() if name not in ("map", "mask", "region")}


def looked(told: Explanation, region: str, mean: bool = False) -> Looked:
    """Attention to one region: of the position asked about, or the ``mean`` over the patch's unknown positions."""
    heat = told.map(region, mean)
    codes = np.stack([p.regions for p in told.seen]) if told.seen else np.zeros(heat.shape, np.uint8)
    mask = codes == CODES[region] if region in CODES else np.ones(heat.shape, bool)
    weights = heat[heat > 0]
    cells = np.stack([patch.cells for patch in told.seen]) if told.seen else np.zeros((*heat.shape, 3))
    return Looked(
        region=region,
        positions=int(mask.sum()),
        spread=float(np.exp(-(weights * np.log(weights)).sum())) if len(weights) else 0.0,
        heaviest=float(heat.max(initial=0)),
        colour=tuple(float(c) for c in (heat[..., None] * cells).sum(axis=(0, 1, 2))),
        shares=tuple(float(share) for share in heat.sum(axis=(1, 2))),
        map=heat,
        mask=mask,
    )


def numbers(told: Explanation) -> dict[str, Any]:
    """Everything the figure shows, in numbers fit for JSON."""
    y, x = told.inside
    unknown = told.query.trimap == 128
    change = np.abs(told.alphas[0] - told.alphas[1])[unknown]
    return {
        "at": told.at,
        "query": _placed(told.query),
        "position": told.position,
        "unknown_positions": int((told.query.regions == UNKNOWN).sum()),
        "contexts": [
            {"rank": rank, "score": score, **_placed(patch)}
            for rank, (patch, score) in enumerate(zip(told.contexts, told.scores, strict=True), 1)
        ],
        "looks_at_itself": told.own,
        "attention": {
            name: {region: looked(told, region, mean).numbers() for region in told.weights}
            for name, mean in (("here", False), ("mean", True))
        },
        "alpha": {
            "with": float(told.alphas[0][y, x]),
            "without": float(told.alphas[1][y, x]),
            "mean_change": float(change.mean()) if len(change) else 0.0,
        },
    }


def _placed(patch: Patch) -> dict[str, Any]:
    return {"slot": patch.slot, "start": patch.box.start, "stop": patch.box.stop}
