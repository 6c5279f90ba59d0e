"""The tables and files of an evaluation: text for a terminal, JSON with everything, CSV with a line for each row."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from hdmatt_core.evaluation.runner import Row
from hdmatt_core.evaluation.sample import Dataset
from hdmatt_core.evaluation.summary import Means, Paired, Summary
from hdmatt_core.metrics import METRICS, Score

Table = list[list[str]]

ERRORS = ("SAD", "MSE e-3", "Grad", "Conn")
"""Headings in the order of ``METRICS``; MSE is printed in thousandths, the others are in thousands by definition."""


def errors(score: Score | Any) -> list[str]:
    """The four errors as they are printed."""
    values = [getattr(score, metric) if isinstance(score, Score) else score[metric] for metric in METRICS]
    return ["-" if math.isnan(value) else f"{value * _factor(m):.3f}" for m, value in zip(METRICS, values, strict=True)]


def _factor(metric: str) -> float:
    return 1000.0 if metric == "mse" else 1.0


def means_table(means: Sequence[Means]) -> Table:
    """A line for each method: images, errors, seconds and processor seconds per image, peak memory."""
    head = ["method", "images", *ERRORS, "s/image", "cpu s/image", "peak GB", "failed"]
    lines = [
        [
            m.method,
            str(m.images),
            *errors(m.errors),
            f"{m.seconds:.1f}",
            f"{m.cpu_seconds:.1f}",
            f"{m.peak_bytes / 1e9:.2f}",
            str(m.failed),
        ]
        for m in means
    ]
    return [head, *lines]


def groups_table(summary: Summary) -> Table:
    """A line for each group and method."""
    head = ["group", "method", "images", *ERRORS]
    return [head, *([g, m.method, str(m.images), *errors(m.errors)] for g, ms in summary.groups.items() for m in ms)]


def paired_table(paired: Sequence[Paired], first: str) -> Table:
    """A line for each method and metric: ratio of means and mean difference to the first method."""
    head = ["method", "error", "images", f"ratio to {first}", "95 %", "difference", "95 %", "better on"]
    return [head, *([p.method, *_pair(p)] for p in paired)]


def _pair(p: Paired) -> list[str]:
    factor = _factor(p.metric)
    low, high = (end * factor for end in p.difference_interval)
    return [
        ERRORS[METRICS.index(p.metric)],
        str(p.images),
        f"{p.ratio:.3f}",
        f"{p.ratio_interval[0]:.3f} to {p.ratio_interval[1]:.3f}",
        f"{p.difference * factor:+.3f}",
        f"{low:+.3f} to {high:+.3f}",
        str(p.better),
    ]


def as_json(dataset: Dataset, rows: Sequence[Row], summary: Summary) -> str:
    """Everything, MSE per pixel and not in thousandths; NaN (no scored picture) is null."""
    content = {
        "dataset": dataset.name,
        "root": str(dataset.root),
        "rows": [record(row) for row in rows],
        "means": [asdict(means) for means in summary.overall],
        "groups": {group: [asdict(means) for means in every] for group, every in summary.groups.items()},
        "paired": [asdict(pair) for pair in summary.paired],
    }
    return json.dumps(finite(content), indent=1) + "\n"


def record(row: Row) -> dict[str, Any]:
    """One row as plain values."""
    scores: dict[str, Any] = asdict(row.score) if row.score else {}
    return {
        "image": row.sample.name,
        **row.sample.groups,
        "method": row.method,
        **scores,
        "seconds": round(row.seconds, 3),
        "cpu_seconds": round(row.cpu_seconds, 3),
        "peak_bytes": row.peak_bytes,
        "error": row.error,
    }


def as_csv(records: Sequence[dict[str, Any]]) -> str:
    """A line for each record, with the columns of all of them."""
    columns = list(dict.fromkeys(key for each in records for key in each))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def finite(value: Any) -> Any:
    """Plain values fit for JSON: NaN and infinity become None, tuples lists."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
