"""Options that several commands share, with the help that teaches them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hdmatt_core.pipeline.sizes import parse_size
from hdmatt_core.runtime import compute, outputs

LIMITS = "Limits"
RESUMING = "Interrupted and existing results"

Pipeline = Annotated[
    str, typer.Option(help="A pipeline that ships with hdmatt (hdmatt, quick, gigapixel) or a YAML file.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="STAGE.PARAM=VALUE", help="Override a parameter of the pipeline: --set pick.k=5."),
]
Depth = Annotated[
    outputs.Depth | None,
    typer.Option(help="Bits per sample of the outputs. Default: 8 for mattes, the image's own for the cut-out."),
]
Roi = Annotated[
    str | None,
    typer.Option(
        metavar="Y0:Y1,X0:X1",
        help="Make this region alone, in pixels of the image; its context is still the whole image.",
    ),
]
Preview = Annotated[
    str | None,
    typer.Option(metavar="1/N", help="Reduce image and trimap to 1/N of their sides first: a quick look, as 1/8."),
]
Device = Annotated[compute.Device, typer.Option(help="auto, cpu, cuda or mps.", rich_help_panel=LIMITS)]
Dtype = Annotated[
    compute.Precision,
    typer.Option(
        help="Precision of the network: auto is bfloat16 where that is faster, else float32.",
        rich_help_panel=LIMITS,
    ),
]
Memory = Annotated[
    int | None,
    typer.Option(
        metavar="SIZE",
        parser=parse_size,
        rich_help_panel=LIMITS,
        help="Limit over all local processes, as 2GB; the plan keeps it or refuses. Default: half of what is free.",
    ),
]
Workers = Annotated[
    int, typer.Option(help="Local worker processes; 0 uses the threads of this one.", rich_help_panel=LIMITS)
]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="A dask scheduler, as tcp://host:8786.", rich_help_panel=LIMITS)
]
Synchronous = Annotated[
    bool, typer.Option("--synchronous", help="One block after the other in this thread.", rich_help_panel=LIMITS)
]
Scratch = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Where the run's store goes; default: beside the output.", rich_help_panel=RESUMING
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on where a run stopped, or start.", rich_help_panel=RESUMING)
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace existing outputs and unfinished runs.", rich_help_panel=RESUMING)
]
KeepRun = Annotated[
    bool, typer.Option("--keep-run", help="Keep the run's store after success.", rich_help_panel=RESUMING)
]
Update = Annotated[
    bool,
    typer.Option(
        "--update",
        help="Take a kept run up after an edit of trimap or image, make again only what the edit concerns, and keep "
        "it; or start.",
        rich_help_panel=RESUMING,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.html",
        help="Write a page about the run: pictures, tiles, rates, memory. --keep-run puts one into the run's store.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
