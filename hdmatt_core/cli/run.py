"""``hdmatt run`` and ``hdmatt plan``: any pipeline, any inputs and outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hdmatt_core.cli import options
from hdmatt_core.cli.running import execute, resume_command
from hdmatt_core.cli.words import pairs, reduction
from hdmatt_core.errors import UserError
from hdmatt_core.plan_lines import foretold
from hdmatt_core.runtime.forecast import forecast
from hdmatt_core.runtime.request import Request

Named = Annotated[str, typer.Argument(help="A pipeline's name (hdmatt, quick, ...) or a YAML file.")]
Inputs = Annotated[list[str] | None, typer.Option("--input", "-i", metavar="NAME=PATH", help="An input; repeat it.")]
Outputs = Annotated[list[str] | None, typer.Option("--output", "-o", metavar="NAME=PATH", help="An output; repeat it.")]


def run(
    pipeline: Named,
    inputs: Inputs = None,
    outputs: Outputs = None,
    settings: options.Set = None,
    depth: options.Depth = None,
    roi: options.Roi = None,
    preview: options.Preview = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    memory: options.Memory = None,
    workers: options.Workers = 0,
    scheduler: options.Scheduler = None,
    synchronous: options.Synchronous = False,
    scratch: options.Scratch = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    keep_run: options.KeepRun = False,
    update: options.Update = False,
    report: options.Report = None,
    quiet: options.Quiet = False,
) -> None:
    """Run a pipeline.

    [bold]Example[/bold]

    hdmatt run mine.yaml -i image=photo.jpg -i trimap=trimap.png -o alpha=alpha.tif --set pick.k=5
    """
    wanted: dict[str, Path | None] = {**pairs("-o", outputs)}
    if not wanted:
        raise UserError("hdmatt run: nothing to make; give at least one -o NAME=PATH")
    request = Request(
        pipeline=pipeline,
        inputs=pairs("-i", inputs),
        outputs=wanted,
        overrides=tuple(settings or ()),
        depth=depth,
        roi=roi,
        preview=reduction(preview),
        memory=memory,
        workers=workers,
        scheduler=scheduler,
        synchronous=synchronous,
        device=device,
        dtype=dtype,
        scratch=scratch,
        resume=resume,
        overwrite=overwrite,
        keep_run=keep_run,
        update=update,
        command=resume_command(),
    )
    execute(request, quiet=quiet, report=report)


def plan(
    pipeline: Named,
    inputs: Inputs = None,
    outputs: Annotated[
        list[str] | None, typer.Option("--output", "-o", help="Outputs to plan for; default: alpha.")
    ] = None,
    settings: options.Set = None,
    roi: options.Roi = None,
    device: options.Device = "auto",
    memory: options.Memory = None,
    workers: options.Workers = 0,
    scratch: options.Scratch = None,
    time: Annotated[
        bool, typer.Option("--time", help="Also estimate the time: a block of made-up tiles is matted, some seconds.")
    ] = False,
) -> None:
    """Show what a run would do and cost, without doing it: tiles, passes, memory, disk, what is read. Reads the trimap.

    [bold]Example[/bold]

    hdmatt plan gigapixel -i image=scan.tif -i trimap=trimap.tif --memory 2GB --time
    """
    names = [word.partition("=")[0] for word in outputs or ["alpha"]]
    request = Request(
        pipeline=pipeline,
        inputs=pairs("-i", inputs),
        outputs=dict.fromkeys(names),
        overrides=tuple(settings or ()),
        roi=roi,
        memory=memory,
        workers=workers,
        device=device,
        scratch=scratch,
    )
    typer.echo(foretold(forecast(request, timed=time)))
