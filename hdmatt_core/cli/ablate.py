"""``hdmatt ablate``: what each part of the method is worth, on a set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hdmatt_core.cli import options
from hdmatt_core.cli.table import show_table


def ablate(
    config: Annotated[Path, typer.Argument(help="The ablation, as docs/examples/ablation.yaml.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of mattes, records and tables.")] = Path(
        "ablation"
    ),
    memory: options.Memory = None,
    quiet: options.Quiet = False,
) -> None:
    """Compare variants of a pipeline on a set: context against none, patch sizes, numbers of contexts.

    Tables are printed, and written as ablation.json, .csv and .md: over all pictures, and by the set's bands. What
    an earlier call finished is kept, so that an ablation which was stopped goes on.

    [bold]Example[/bold]

    hdmatt compose -o testset/ --data data/index.json --foregrounds

    hdmatt ablate docs/examples/ablation.yaml -o ablation/
    """
    from hdmatt_core.evaluation.ablate import ablate as run
    from hdmatt_core.evaluation.ablate_tables import named_tables
    from hdmatt_core.evaluation.runner import Row
    from hdmatt_core.evaluation.table import errors

    def told(row: Row) -> None:
        figures = row.error or "  ".join([*(errors(row.score) if row.score else []), f"{row.seconds:.1f} s"])
        typer.echo(f"{row.method}  {row.sample.name}  {figures}{'  (there already)' if row.kept else ''}", err=True)

    done = run(
        config,
        out,
        memory=memory,
        listener=(lambda row: None) if quiet else told,
        looking=lambda variant, picture: None if quiet else typer.echo(f"attention: {variant}  {picture}", err=True),
    )
    for title, (head, *lines) in named_tables(done.config, done.tables, done.attention):
        typer.echo(title)
        show_table(head, lines)
        typer.echo()
    for path in done.files:
        typer.echo(path)
