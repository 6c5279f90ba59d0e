"""What the rows of an evaluation say together: means, groups, and paired differences to the first method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.evaluation.runner import Row
from hdmatt_core.metrics import METRICS

RESAMPLES = 10_000
_SEED = 2009_06613
_ENDS = (2.5, 97.5)

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Means:
    """Means of one method over ``images`` scored pictures; seconds and peak bytes over all that it matted."""

    method: str
    images: int
    errors: Mapping[str, float]
    seconds: float
    cpu_seconds: float
    peak_bytes: int  # the greatest of any picture
    failed: int


@dataclass(frozen=True)
class Paired:
    """A method against the first on the pictures that both did: mean difference and ratio of means, with intervals.

    Intervals hold 95 % of the values under resampling of the pictures with replacement (bootstrap percentiles);
    ``better`` counts the pictures with a smaller error than the first method's.
    """

    method: str
    metric: str
    images: int
    difference: float
    difference_interval: tuple[float, float]
    ratio: float
    ratio_interval: tuple[float, float]
    better: int


@dataclass(frozen=True)
class Summary:
    """All of it; ``groups`` holds means by group (``family: hair``)."""

    overall: tuple[Means, ...]
    groups: Mapping[str, tuple[Means, ...]]
    paired: tuple[Paired, ...]


def summarise(rows: Sequence[Row], labels: Sequence[str]) -> Summary:
    """Means over pictures, overall and by group, in the order of ``labels``; pairs with the first of them."""
    groups = sorted({f"{key}: {value}" for row in rows for key, value in row.sample.groups.items()})
    few = [group for group in groups if _size(group, rows) > 1] if len(groups) <= 20 else []
    return Summary(
        tuple(_means(rows, label) for label in labels),
        {group: tuple(_means(_of_group(group, rows), label) for label in labels) for group in few},
        tuple(_paired(rows, labels[0], label, metric) for label in labels[1:] for metric in METRICS),
    )


def _of_group(group: str, rows: Sequence[Row]) -> list[Row]:
    key, _, value = group.partition(": ")
    return [row for row in rows if row.sample.groups.get(key) == value]


def _size(group: str, rows: Sequence[Row]) -> int:
    return len({row.sample.name for row in _of_group(group, rows)})


def _means(rows: Sequence[Row], label: str) -> Means:
    own = [row for row in rows if row.method == label]
    matted = [row for row in own if not row.error]
    scores = [row.score for row in matted if row.score]
    return Means(
        label,
        len(scores),
        {metric: _mean([getattr(score, metric) for score in scores]) for metric in METRICS},
        _mean([row.seconds for row in matted]),
        _mean([row.cpu_seconds for row in matted]),
        max((row.peak_bytes for row in matted), default=0),
        len(own) - len(matted),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _paired(rows: Sequence[Row], first: str, label: str, metric: str) -> Paired:
    scored = {(row.method, row.sample.name): getattr(row.score, metric) for row in rows if row.score}
    names = [name for method, name in scored if method == label and (first, name) in scored]
    one, other = (np.array([scored[method, name] for name in names]) for method in (first, label))
    if not names:
        nothing = float("nan"), float("nan")
        return Paired(label, metric, 0, nothing[0], nothing, nothing[0], nothing, 0)
    draws = np.random.default_rng(_SEED).integers(len(names), size=(RESAMPLES, len(names)))
    means = one[draws].mean(axis=1), other[draws].mean(axis=1)
    return Paired(
        label,
        metric,
        len(names),
        float((other - one).mean()),
        _interval(means[1] - means[0]),
        float(_ratio(other.mean(), one.mean())),
        _interval(_ratio(means[1], means[0])),
        int((other < one).sum()),
    )


def _ratio(other: Values, one: Values) -> Values:
    """Infinite where the first method makes no error."""
    ratio: Values = np.divide(other, one, out=np.full(np.shape(one), np.inf), where=np.asarray(one) > 0)
    return ratio


def _interval(values: Values) -> tuple[float, float]:
    if not np.isfinite(values).all():
        return float("nan"), float("nan")
    low, high = np.percentile(values, _ENDS)
    return float(low), float(high)
