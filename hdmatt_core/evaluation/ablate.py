"""Running an ablation: each different variant once on each picture, then the tables they belong to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.ablate_tables import Bands, as_markdown
from hdmatt_core.evaluation.ablation import Ablation, Table, read_ablation
from hdmatt_core.evaluation.attention import Tallies, foreground_of, judge
from hdmatt_core.evaluation.layouts import parse_dataset
from hdmatt_core.evaluation.matching import Tally
from hdmatt_core.evaluation.runner import Listener, Row, check, evaluate
from hdmatt_core.evaluation.sample import Dataset, Sample
from hdmatt_core.evaluation.summary import Summary, summarise
from hdmatt_core.evaluation.table import as_csv, finite, record
from hdmatt_core.runtime.prepare import prepare

ALL = "all"


@dataclass(frozen=True)
class Ablated:
    """What was found: summaries by table and band, tallies of attention by variant and band, and the files written."""

    config: Ablation
    dataset: Dataset
    tables: Mapping[str, Bands]
    attention: Mapping[str, Mapping[str, Tallies]]
    files: tuple[Path, ...]


def ablate(
    path: Path,
    out: Path,
    *,
    memory: int | None = None,
    listener: Listener = lambda row: None,
    looking: Callable[[str, str], None] = lambda variant, picture: None,
) -> Ablated:
    """Run the ablation of a YAML file and write ``out``/ablation.json, .csv and .md.

    What an earlier call finished is not done again. Raises UserError before any work where a pipeline, a parameter
    or a file of the set is wrong.
    """
    config = read_ablation(path)
    dataset = _chosen(parse_dataset(config.set, out / "composed"), config.images)
    check(dataset)
    out.mkdir(parents=True, exist_ok=True)
    _check_methods(config, dataset, out)
    rows = evaluate(dataset, list(config.methods()), out, memory=memory, listener=listener)
    tables = {
        name: _by_band(_rows_of(config, table, rows), list(table.variants)) for name, table in config.tables.items()
    }
    judged = _attention(config, dataset, out, memory, looking)
    return _written(Ablated(config, dataset, tables, judged, ()), rows, out)


def _chosen(dataset: Dataset, images: int | None) -> Dataset:
    """The first ``images`` samples of each band."""
    if images is None:
        return dataset
    bands = dict.fromkeys(_band(sample) for sample in dataset.samples)
    kept = [s for band in bands for s in [s for s in dataset.samples if _band(s) == band][:images]]
    return replace(dataset, samples=tuple(sample for sample in dataset.samples if sample in kept))


def _band(sample: Sample) -> str:
    return sample.groups.get("band", ALL)


def _check_methods(config: Ablation, dataset: Dataset, out: Path) -> None:
    """Prepare every variant on the first picture: pipelines and parameters are checked, no pixel is read."""
    first = dataset.samples[0]
    for name, table in {**config.tables, "attention": config.attention}.items():
        for variant, given in (table.variants if table else {}).items():
            try:
                prepare(config.method(given).request(first, out / "alpha.png"))
            except UserError as error:
                raise UserError(f"table '{name}', variant '{variant}': {error.message}", detail=error.detail) from error
    if config.attention:
        for sample in dataset.samples:
            foreground_of(sample)


def _rows_of(config: Ablation, table: Table, rows: Sequence[Row]) -> list[Row]:
    """The rows of a table's variants, under the names they have in it."""
    labels = {name: config.method(variant).label for name, variant in table.variants.items()}
    return [replace(row, method=name) for name, label in labels.items() for row in rows if row.method == label]


def _by_band(rows: Sequence[Row], labels: Sequence[str]) -> dict[str, Summary]:
    """A summary of all pictures, and of each band's alone if there are several."""
    bands = list(dict.fromkeys(_band(row.sample) for row in rows))
    parts = {ALL: rows}
    if len(bands) > 1:
        parts |= {band: [row for row in rows if _band(row.sample) == band] for band in bands}
    return {band: summarise(part, labels) for band, part in parts.items()}


def _attention(
    config: Ablation, dataset: Dataset, out: Path, memory: int | None, looking: Callable[[str, str], None]
) -> dict[str, dict[str, Tallies]]:
    """Tallies by variant, then by band and over all."""
    if config.attention is None:
        return {}
    found: dict[str, dict[str, Tallies]] = {}
    for name, variant in config.attention.variants.items():
        method = config.method(variant)
        for sample in dataset.samples:
            looking(name, sample.name)
            place = out / "attention" / method.slug / f"{sample.name}.json"
            told = judge(method, sample, config.attention.queries, place, memory)
            for group in dict.fromkeys((ALL, _band(sample))):
                _add(found.setdefault(name, {}).setdefault(group, {}), told)
    return found


def _add(total: Tallies, more: Tallies) -> None:
    for region, tally in more.items():
        total[region] = total.get(region, Tally()) + tally


def _written(done: Ablated, rows: Sequence[Row], out: Path) -> Ablated:
    names = {method.label: method for method in done.config.methods()}
    records = [{**record(row), "settings": " ".join(names[row.method].settings)} for row in rows]
    texts = {
        "ablation.json": json.dumps(finite(_content(done, records)), indent=1) + "\n",
        "ablation.csv": as_csv(records),
        "ablation.md": as_markdown(done.config, done.dataset, done.tables, done.attention),
    }
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8")
    return replace(done, files=tuple(out / name for name in texts))


def _content(done: Ablated, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "config": done.config.model_dump(mode="json"),
        "dataset": done.dataset.name,
        "images": len(done.dataset.samples),
        "tables": {name: {b: asdict(s) for b, s in bands.items()} for name, bands in done.tables.items()},
        "attention": {
            name: {band: {region: t.means() for region, t in tallies.items()} for band, tallies in bands.items()}
            for name, bands in done.attention.items()
        },
        "rows": records,
    }
