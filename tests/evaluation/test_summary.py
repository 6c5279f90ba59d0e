"""Means, groups, and paired differences with their intervals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hdmatt_core.evaluation.runner import Row
from hdmatt_core.evaluation.sample import Dataset, Sample
from hdmatt_core.evaluation.summary import summarise
from hdmatt_core.evaluation.table import as_csv, as_json, groups_table, means_table, paired_table, record
from hdmatt_core.metrics import Score


def _row(name: str, method: str, sad: float | None, family: str = "hair") -> Row:
    sample = Sample(name, Path(name), Path(name), Path(name), {"family": family})
    errors = None if sad is None else Score(sad, sad / 1000, 2 * sad, 3 * sad, 10)
    return Row(sample, method, Path(name), errors, 2.0, 1.0, 5, "" if sad is not None else "gave up")


def test_means_leave_out_what_failed() -> None:
    rows = [_row("a", "m", 1.0), _row("b", "m", 3.0), _row("c", "m", None)]
    means = summarise(rows, ["m"]).overall[0]
    assert (means.images, means.failed, means.errors["sad"], means.seconds) == (2, 1, 2.0, 2.0)


def test_groups_of_one_are_not_shown() -> None:
    rows = [_row(n, "m", s, f) for n, s, f in (("a", 1.0, "hair"), ("b", 2.0, "hair"), ("c", 9.0, "fur"))]
    groups = summarise(rows, ["m"]).groups
    assert list(groups) == ["family: hair"]
    assert groups["family: hair"][0].errors["sad"] == 1.5


def test_pairs_are_of_the_same_pictures() -> None:
    rows = [_row("a", "one", 4.0), _row("b", "one", 2.0), _row("c", "one", None)]
    rows += [_row("a", "two", 2.0), _row("b", "two", 1.0), _row("c", "two", 50.0)]
    pair = summarise(rows, ["one", "two"]).paired[0]
    assert (pair.metric, pair.images, pair.better) == ("sad", 2, 2)
    assert (pair.difference, pair.ratio) == (-1.5, 0.5)
    assert pair.ratio_interval == (0.5, 0.5)
    assert pair.difference_interval == (-2.0, -1.0)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng, hits = np.random.default_rng(1), 0
    for _ in range(25):
        one, shift = rng.gamma(2, 5, 40), rng.normal(1.0, 2.0, 40)
        rows = [_row(str(i), "one", value) for i, value in enumerate(one)]
        rows += [_row(str(i), "two", value) for i, value in enumerate(one + shift)]
        low, high = summarise(rows, ["one", "two"]).paired[0].difference_interval
        hits += low < 1.0 < high
    assert 20 <= hits <= 25


def test_nothing_in_common_and_no_error_are_no_numbers() -> None:
    rows = [_row("a", "one", 0.0), _row("a", "two", 1.0), _row("b", "three", 1.0)]
    summary = summarise(rows, ["one", "two", "three"])
    assert summary.paired[0].ratio == float("inf")
    assert all(np.isnan(summary.paired[0].ratio_interval))
    assert summary.paired[4].images == 0
    content = json.loads(as_json(Dataset("made", Path(), (rows[0].sample,)), rows, summary))
    assert content["paired"][0]["ratio"] is None
    assert "NaN" not in json.dumps(content)


def test_tables() -> None:
    rows = [_row(n, m, s) for m, s in (("one", 4.0), ("two", 2.0)) for n in ("a", "b")]
    summary = summarise(rows, ["one", "two"])
    assert means_table(summary.overall)[1] == [
        "one",
        "2",
        "4.000",
        "4.000",
        "8.000",
        "12.000",
        "2.0",
        "1.0",
        "0.00",
        "0",
    ]
    assert groups_table(summary)[1][:3] == ["family: hair", "one", "2"]
    assert paired_table(summary.paired, "one")[1] == [
        "two", "SAD", "2", "0.500", "0.500 to 0.500", "-2.000", "-2.000 to -2.000", "2",
    ]  # fmt: skip
    lines = as_csv([record(row) for row in rows]).splitlines()
    assert lines[0] == "image,family,method,sad,mse,grad,conn,unknown,seconds,cpu_seconds,peak_bytes,error"
    assert lines[1].startswith("a,hair,one,4.0,0.004,")


def test_csv_has_the_columns_of_all_rows() -> None:
    text = as_csv([{"image": "a", "error": "gave up"}, {"image": "b", "sad": 1.0, "error": ""}])
    assert text == "image,error,sad\na,gave up,\nb,,1.0\n"


def test_an_empty_set_of_scores_is_a_dash() -> None:
    assert means_table(summarise([_row("a", "m", None)], ["m"]).overall)[1][2] == "-"
