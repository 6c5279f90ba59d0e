"""``hdmatt evaluate``: the errors of mattes that are there, or of methods on a set."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hdmatt_core.cli.table import show_table
from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.sizes import parse_size

SET = "On a set"


def evaluate(
    prediction: Annotated[Path | None, typer.Argument(help="A matte, or a folder of mattes.")] = None,
    truth: Annotated[Path | None, typer.Argument(help="Its true matte, or their folder.")] = None,
    trimap: Annotated[Path | None, typer.Argument(help="Its trimap, or their folder.")] = None,
    json: Annotated[Path | None, typer.Option(help="Also write the figures as JSON.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write a line for each picture as CSV.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="LAYOUT:FOLDER",
            rich_help_panel=SET,
            help="A set: composed, composition-1k, aim-500, p3m or alphamatting, and its folder.",
        ),
    ] = None,
    pipeline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[LABEL=]PIPELINE",
            rich_help_panel=SET,
            help="A method; repeat it. A pipeline by name or YAML file, pymatting:cf, :knn or :lbdm. "
            "The first is what the others are compared to.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(rich_help_panel=SET, help="The folder of mattes and report.")] = Path("report"),
    memory: Annotated[
        int | None,
        typer.Option(metavar="SIZE", parser=parse_size, rich_help_panel=SET, help="Limit for each method, as 8GB."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=SET, help="Make mattes anew that are there already.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for each picture.")] = False,
) -> None:
    """Errors of mattes against the truth: SAD, MSE, Grad and Conn, as papers define them. Of any size; what is large
    is read by tiles.

    With --dataset and --pipeline: run methods on a set and compare them. An evaluation that was stopped goes on, and
    what is there is not matted again.

    [bold]Examples[/bold]

    hdmatt evaluate alpha.png truth.png trimap.png

    hdmatt evaluate mattes/ truths/ trimaps/ --csv errors.csv

    hdmatt evaluate --dataset composed:testset/ --pipeline pymatting:cf --pipeline hdmatt --out report/
    """
    for file in (json, csv):
        if file is not None and not file.absolute().parent.is_dir():
            raise UserError(f"{file}: the folder {file.absolute().parent} does not exist")
    if dataset is None:
        if pipeline:
            raise UserError("--pipeline needs a set: add --dataset LAYOUT:FOLDER")
        if prediction is None or truth is None or trimap is None:
            raise UserError("give PREDICTION TRUTH TRIMAP (files or folders), or --dataset and --pipeline")
        _pairs(prediction, truth, trimap, json, csv)
        return
    if prediction is not None:
        raise UserError(f"{prediction}: with --dataset no mattes are given; methods make them")
    _set(dataset, pipeline or [], out, (json, csv), memory, overwrite, quiet=quiet)


def _pairs(prediction: Path, truth: Path, trimap: Path, json: Path | None, csv: Path | None) -> None:
    import json as encoder

    from hdmatt_core.evaluation.pairs import score_paths
    from hdmatt_core.evaluation.table import ERRORS, as_csv, errors
    from hdmatt_core.metrics import METRICS

    scored = score_paths(prediction, truth, trimap)
    records = [{"image": name, **asdict(score)} for name, score in scored]
    lines = [[name, *errors(score), str(score.unknown)] for name, score in scored]
    if len(scored) > 1:
        mean = {m: sum(getattr(score, m) for _, score in scored) / len(scored) for m in METRICS}
        lines.append(["mean", *errors(mean), ""])
    show_table(["image", *ERRORS, "unknown px"], lines)
    if json:
        json.write_text(encoder.dumps(records, indent=1) + "\n", encoding="utf-8")
    if csv:
        csv.write_text(as_csv(records), encoding="utf-8")


def _set(
    dataset: str,
    pipelines: list[str],
    out: Path,
    files: tuple[Path | None, Path | None],
    memory: int | None,
    overwrite: bool,
    *,
    quiet: bool,
) -> None:
    from hdmatt_core.evaluation.comparison import compare
    from hdmatt_core.evaluation.runner import Row
    from hdmatt_core.evaluation.table import errors, groups_table, means_table, paired_table

    def told(row: Row) -> None:
        figures = row.error or "  ".join([*(errors(row.score) if row.score else []), f"{row.seconds:.1f} s"])
        typer.echo(f"{row.method}  {row.sample.name}  {figures}{'  (there already)' if row.kept else ''}", err=True)

    made = compare(
        dataset, pipelines, out, memory=memory, overwrite=overwrite, listener=(lambda row: None) if quiet else told
    )
    for path, text in zip(files, (made.json, made.csv), strict=True):
        if path:
            path.write_text(text, encoding="utf-8")
    tables = [
        means_table(made.summary.overall),
        groups_table(made.summary),
        paired_table(made.summary.paired, made.first),
    ]
    for head, *lines in tables:
        if lines:
            show_table(head, lines)
            typer.echo()
    typer.echo(f"report: {made.page}", err=True)
