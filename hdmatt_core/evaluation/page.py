"""The page of a comparison: tables and pictures in one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hdmatt_core.evaluation.runner import Row
from hdmatt_core.evaluation.sample import Dataset
from hdmatt_core.evaluation.summary import Summary


def write_page(path: Path, dataset: Dataset, rows: Sequence[Row], summary: Summary) -> Path:
    """Write the page."""
    return path
