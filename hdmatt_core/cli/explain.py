"""``hdmatt explain``: why a patch got its matte, as a figure and in numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hdmatt_core.cli import options
from hdmatt_core.errors import UserError
from hdmatt_core.report import progress
from hdmatt_core.runtime.request import Request

if TYPE_CHECKING:
    from hdmatt_core.evaluation.explain import Explanation

FIGURES = (".png", ".jpg", ".jpeg", ".webp")
QUALITY = 88
"""Of a figure that is compressed with losses."""


def explain(
    image: Annotated[Path, typer.Argument(help="The picture.")],
    trimap: Annotated[Path, typer.Argument(help="Its trimap: black background, grey unknown, white foreground.")],
    at: Annotated[
        str | None,
        typer.Option(metavar="Y,X", help="A pixel, row first. Default: in the patch of which most is unknown."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FIG", help="The figure: .png, .jpg or .webp.")
    ] = Path("explain.png"),
    mean: Annotated[
        bool, typer.Option("--mean", help="Maps as the mean over the patch's unknown positions, not of the one asked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything that the figure shows in numbers.")] = False,
    pipeline: options.Pipeline = "hdmatt",
    settings: options.Set = None,
    device: options.Device = "auto",
    memory: options.Memory = None,
    scratch: options.Scratch = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Explain one patch: which context patches it chose, where in them it looks, and what that changes.

    The picture is worked through as by `hdmatt matte`, as far as the patch needs. The figure shows the patch and its
    contexts where they lie, and for unknown, foreground and background apart the attention over the contexts.

    [bold]Examples[/bold]

    hdmatt explain photo.jpg trimap.png --at 1200,840 -o why.png

    hdmatt explain photo.jpg trimap.png --json --set pick.k=5
    """
    _check_output(output, overwrite=overwrite)
    request = Request(
        pipeline=pipeline,
        inputs={"image": image, "trimap": trimap},
        outputs={"alpha": None},
        overrides=tuple(settings or ()),
        memory=memory,
        device=device,
        scratch=scratch,
    )
    from hdmatt_core.evaluation import explain as asking
    from hdmatt_core.evaluation.explain_figure import figure
    from hdmatt_core.evaluation.explain_numbers import numbers

    with progress(quiet=quiet) as listener:
        told = asking.explain(request, _pixel(at), listener)
    figure(told, mean).save(output, quality=QUALITY)
    typer.echo(json.dumps(numbers(told), indent=1) if as_json else _in_words(told, output, mean=mean))


def _pixel(at: str | None) -> tuple[int, int] | None:
    if at is None:
        return None
    try:
        y, x = (int(word) for word in at.split(","))
    except ValueError:
        raise UserError(f"--at {at}: write --at Y,X with two whole numbers, row first") from None
    return y, x


def _check_output(output: Path, *, overwrite: bool) -> None:
    """Before the work, not after."""
    if output.suffix.lower() not in FIGURES:
        raise UserError(f"{output}: a figure is written as {', '.join(FIGURES)}; give -o FIG.png")
    if not output.absolute().parent.is_dir():
        raise UserError(f"{output}: the folder {output.absolute().parent} does not exist")
    if output.exists() and not overwrite:
        raise UserError(f"{output} exists; give --overwrite, or another output")


def _in_words(told: Explanation, output: Path, *, mean: bool) -> str:
    from hdmatt_core.evaluation.explain_numbers import looked

    lines = [f"query patch at y={told.query.box.start[0]} x={told.query.box.start[1]}"]
    for rank, (patch, score) in enumerate(zip(told.contexts, told.scores, strict=True), 1):
        lines.append(f"context {rank} at y={patch.box.start[0]} x={patch.box.start[1]}, score {score:.3g}")
    for region in told.weights:
        seen = looked(told, region, mean)
        lines.append(f"{seen.sentence()} {seen.hex}" if seen.positions else seen.sentence())
    y, x = told.inside
    lines.append(
        f"alpha at {told.at[0]},{told.at[1]}: {told.alphas[0][y, x]:.3f}, without contexts {told.alphas[1][y, x]:.3f}"
    )
    return "\n".join([*lines, str(output)])
