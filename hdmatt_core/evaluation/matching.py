"""Is the attention looking at the right patches? The share of it that lies where the truth says that it should.

Of a composed picture alpha and the foreground's colours F are known, and B = (I - alpha F) / (1 - alpha). An unknown
query position asks three questions, and a position where it looks answers one rightly, it *matches*, if

- U-F: it lies in the trimap's foreground, and its mean colour is within 0.1 of the mean of F over the query position,
  weighted by alpha (asked where alpha is above 0.05 in the mean);
- U-B: it lies in the background, and its mean colour is within 0.1 of that of B, weighted by 1 - alpha (asked where
  alpha is below 0.95);
- U-U: it is unknown, and its mean alpha is within 0.1 of the query position's.

Colours are RGB in 0..1, their distance Euclidean. The shares of attention on matching positions are compared with
what equal weights over the region would give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.nn.regions import BACKGROUND, FOREGROUND, UNKNOWN

NEAR = 0.1
FAINT = 0.05
CODES = {"unknown": UNKNOWN, "foreground": FOREGROUND, "background": BACKGROUND}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What is true of a patch's positions: ``alpha`` (h, w), and F and B (h, w, 3), NaN where they do not appear."""

    alpha: Floats
    foreground: Floats
    background: Floats


@dataclass(frozen=True)
class Tally:
    """Query positions that asked one question, and what became of them; all but ``asked`` are sums over these.

    ``answered``: some patch it looks at has the region at all; ``possible``: some position matches; ``share``:
    attention on matching ones; ``chance``: what equal weights would have there; ``elsewhere``: attention, wherever, on
    other patches than the query's own; ``error``: distance of the mean colour seen (U-U:
    of the mean alpha) from the true one, over those answered; ``equal_error``: the same with equal weights;
    ``spread``: exp(entropy) as a share of the positions.
    """

    asked: int = 0
    answered: int = 0
    possible: int = 0
    share: float = 0.0
    chance: float = 0.0
    elsewhere: float = 0.0
    error: float = 0.0
    equal_error: float = 0.0
    spread: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        mine, others = asdict(self), asdict(other)
        return Tally(**{name: value + others[name] for name, value in mine.items()})

    def means(self) -> dict[str, Any]:
        """Shares of those that asked, and means over those that were answered."""
        whole, part = max(self.asked, 1), max(self.answered, 1)
        over = dict.fromkeys(("answered", "possible", "share", "chance"), whole)
        over |= dict.fromkeys(("elsewhere", "error", "equal_error", "spread"), part)
        return {"asked": self.asked, **{name: getattr(self, name) / count for name, count in over.items()}}


def cell_truth(rgb: Floats, alpha: Floats, foreground: Floats, side: int) -> Truth:
    """The truth of positions of ``side`` px: image and F (P, P, 3), alpha (P, P), all 0..1."""
    behind = 1 - alpha
    shown = rgb - alpha[..., None] * foreground  # (1 - alpha) B
    share = _cells(alpha, side)
    with np.errstate(invalid="ignore", divide="ignore"):
        front = _cells(alpha[..., None] * foreground, side) / share[..., None]
        back = _cells(shown, side) / _cells(behind, side)[..., None]
    front[share <= FAINT], back[share >= 1 - FAINT] = np.nan, np.nan
    return Truth(share, front, back)


def tally(
    weights: Mapping[str, NDArray[Any]],
    asking: NDArray[np.bool_],
    truth: Truth,
    regions: Sequence[NDArray[np.uint8]],
    colours: Sequence[NDArray[Any]],
    alphas: Sequence[Floats],
    own: bool = False,
) -> dict[str, Tally]:
    """Count the positions ``asking`` (h, w) of one query.

    ``weights`` are (h w, n, h, w) by region; of each of the n patches: ``regions`` (h, w), mean ``colours`` (h, w, 3)
    and true ``alphas`` (h, w). With ``own`` the last of them is the query itself.
    """
    codes = np.concatenate([r.ravel() for r in regions]) if regions else np.zeros(0, np.uint8)
    seen = np.concatenate([c.reshape(-1, 3) for c in colours]) if colours else np.zeros((0, 3))
    opaque = np.concatenate([a.reshape(-1, 1) for a in alphas]) if alphas else np.zeros((0, 1))
    away = np.arange(len(codes)) < len(codes) - (regions[-1].size if own else 0)
    wanted = {"unknown": truth.alpha[..., None], "foreground": truth.foreground, "background": truth.background}
    return {
        region: _tally(
            maps[asking.ravel()].reshape(int(asking.sum()), -1)[:, codes == CODES[region]].astype(np.float64),
            wanted[region][asking],
            (opaque if region == "unknown" else seen)[codes == CODES[region]],
            away[codes == CODES[region]],
        )
        for region, maps in weights.items()
        if region in CODES
    }


def _tally(weights: Floats, wanted: Floats, found: Floats, away: NDArray[np.bool_]) -> Tally:
    """Weights (n, m) of n askers for m positions, what they want (n, d), what is found at the positions (m, d), and
    which of these lie in other patches."""
    asks = np.isfinite(wanted).all(axis=1)
    weights, wanted = weights[asks], wanted[asks]
    if not len(found) or not len(wanted):
        return Tally(asked=len(wanted))
    matches = np.linalg.norm(wanted[:, None] - found[None], axis=2) <= NEAR
    entropy = -(weights * np.log(np.maximum(weights, 1e-300))).sum(axis=1)
    return Tally(
        asked=len(wanted),
        answered=len(wanted),
        possible=int(matches.any(axis=1).sum()),
        share=float((weights * matches).sum()),
        chance=float(matches.mean(axis=1).sum()),
        elsewhere=float(weights[:, away].sum()),
        error=float(np.linalg.norm(weights @ found - wanted, axis=1).sum()),
        equal_error=float(np.linalg.norm(found.mean(axis=0) - wanted, axis=1).sum()),
        spread=float((np.exp(entropy) / len(found)).sum()),
    )


def _cells(values: Floats, side: int) -> Floats:
    height, width = (n // side for n in values.shape[:2])
    blocks = values.reshape(height, side, width, side, *values.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3)))
