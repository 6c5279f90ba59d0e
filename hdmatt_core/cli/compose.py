"""``hdmatt compose``: a test set with known mattes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hdmatt_core.errors import UserError


def compose(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of the set; it must be empty or new.")],
    data: Annotated[
        Path, typer.Option(help="The data index, as training's 'data': a JSON list of foregrounds and backgrounds.")
    ],
    count: Annotated[int, typer.Option(help="How many pictures.")] = 60,
    seed: Annotated[int, typer.Option(help="Settles everything; a claim names it.")] = 1,
    split: Annotated[str, typer.Option(help="The split of the index that is used.")] = "val",
    megapixels: Annotated[str, typer.Option(metavar="LEAST:LARGEST", help="Sizes; most are near the least.")] = "1:6",
    foregrounds: Annotated[bool, typer.Option("--foregrounds", help="Also write the true foreground colours.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for each picture.")] = False,
) -> None:
    """Compose a test set with known mattes, like Composition-1k: hair, fur, plants, nets and translucency in equal
    shares, half of it with wide bands. The same seed, data and version give the same pixels.

    [bold]Example[/bold]

    hdmatt compose -o testset/ --data data/index.json --count 60 --seed 1
    """
    from hdmatt_core.evaluation.testset import Recipe, compose_set

    least, _, largest = megapixels.partition(":")
    try:
        recipe = Recipe(count, seed, (float(least), float(largest or least)))
    except ValueError:
        raise UserError(f"--megapixels {megapixels}: write LEAST:LARGEST, as 1:6") from None
    index = compose_set(
        output,
        recipe,
        data,
        split,
        foregrounds=foregrounds,
        listener=lambda name: None if quiet else typer.echo(name, err=True),
    )
    typer.echo(f"{index}: set '{recipe.name}', {count} pictures")
