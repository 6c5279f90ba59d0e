"""An ablation's tables, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hdmatt_core.evaluation.ablation import Ablation
from hdmatt_core.evaluation.matching import Tally
from hdmatt_core.evaluation.sample import Dataset
from hdmatt_core.evaluation.summary import Means, Paired, Summary
from hdmatt_core.evaluation.table import ERRORS, Table, errors

Bands = Mapping[str, Summary]
Judged = Mapping[str, Mapping[str, Mapping[str, Tally]]]
MAPS = {"unknown": "U-U", "foreground": "U-F", "background": "U-B"}


def named_tables(config: Ablation, tables: Mapping[str, Bands], attention: Judged) -> Iterator[tuple[str, Table]]:
    """Title and lines, the headings first: of each table over all pictures and by band, then of the attention."""
    for name, bands in tables.items():
        for band, summary in bands.items():
            yield f"{config.tables[name].title} ({band})", _lines(summary)
    if attention:
        yield "Where attention lies", _attention_lines(attention)


def as_markdown(config: Ablation, dataset: Dataset, tables: Mapping[str, Bands], attention: Judged) -> str:
    """Everything as a page; it names the set, the pipeline and the weights."""
    weights = f", weights `{config.weights}`" if config.weights else ""
    parts = [
        f"# Ablation\n\nSet `{dataset.name}`, {len(dataset.samples)} pictures; pipeline `{config.pipeline}`{weights}.\n"
    ]
    for title, lines in named_tables(config, tables, attention):
        rows = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
        parts.append(f"## {title}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n")
    return "\n".join(parts)


def _lines(summary: Summary) -> Table:
    """A line for each variant: its errors, and its SAD against that of the first."""
    first = summary.overall[0].method
    against = {pair.method: pair for pair in summary.paired if pair.metric == "sad"}
    head = ["variant", "images", *ERRORS, f"SAD / {first}", "95 %", "s/image"]
    return [head, *(_line(means, against.get(means.method)) for means in summary.overall)]


def _line(means: Means, pair: Paired | None) -> list[str]:
    ratio = ["1", ""]
    if pair is not None:
        ratio = [f"{pair.ratio:.3f}", f"{pair.ratio_interval[0]:.3f} to {pair.ratio_interval[1]:.3f}"]
    images = f"{means.images}" + (f" ({means.failed} failed)" if means.failed else "")
    return [means.method, images, *errors(means.errors), *ratio, f"{means.seconds:.1f}"]


def _attention_lines(attention: Judged) -> Table:
    """A line for each variant, band and region: see :mod:`hdmatt_core.evaluation.matching`."""
    head = ["variant", "band", "map", "asked", "answered", "possible", "matching", "by chance"]
    head += ["elsewhere", "distance", "equal weights", "spread"]
    lines = [head]
    for variant, bands in attention.items():
        for band, regions in bands.items():
            lines += [[variant, band, MAPS[region], *_shares(tally)] for region, tally in regions.items()]
    return lines


def _shares(tally: Tally) -> list[str]:
    means = tally.means()
    parts = [f"{100 * means[name]:.1f} %" for name in ("answered", "possible", "share", "chance", "elsewhere")]
    distances = [f"{means[name]:.3f}" for name in ("error", "equal_error")]
    return [str(tally.asked), *parts, *distances, f"{100 * means['spread']:.1f} %"]
