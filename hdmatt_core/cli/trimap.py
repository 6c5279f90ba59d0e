"""``hdmatt trimap``: a trimap from a rough mask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hdmatt_core.cli import options
from hdmatt_core.cli.running import execute
from hdmatt_core.errors import UserError
from hdmatt_core.runtime.request import Request


def trimap(
    mask: Annotated[Path, typer.Argument(help="A rough mask: white inside, black outside.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The trimap: .png, .tif, .zarr or .ome.zarr.")],
    band: Annotated[
        str, typer.Option(metavar="PX|auto", help="Half width of the unknown band; auto takes it from the size.")
    ] = "auto",
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a trimap from a rough mask: what lies within the band of its outline is unknown.

    [bold]Example[/bold]

    hdmatt trimap mask.png -o trimap.png --band 40
    """
    if band != "auto" and not (band.isdigit() and int(band) > 0):
        raise UserError(f"--band {band}: give a number of pixels, at least 1, or auto")
    request = Request(
        pipeline="trimap",
        inputs={"mask": mask},
        outputs={"trimap": output},
        overwrite=overwrite,
        overrides=() if band == "auto" else (f"trimap.band={band}",),
    )
    execute(request, quiet=quiet)
