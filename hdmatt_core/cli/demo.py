"""``hdmatt demo``, ``hdmatt trimap`` and ``hdmatt train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hdmatt_core.cli import options
from hdmatt_core.cli.running import execute
from hdmatt_core.errors import UserError
from hdmatt_core.runtime.request import Request


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the pictures go.")] = Path(
        "demo-out"
    ),
    quiet: options.Quiet = False,
) -> None:
    """Matte the photograph that ships with hdmatt: writes alpha.png, cutout.png and overview.png."""
    from hdmatt_core.demo import PHOTO, TRIMAP
    from hdmatt_core.demo.overview import overview

    output.mkdir(parents=True, exist_ok=True)
    alpha, cutout, picture = (output / name for name in ("alpha.png", "cutout.png", "overview.png"))
    request = Request(
        pipeline="hdmatt",
        inputs={"image": PHOTO, "trimap": TRIMAP},
        outputs={"alpha": alpha, "foreground": cutout},
        overwrite=True,
    )
    execute(request, quiet=quiet)
    overview(PHOTO, TRIMAP, alpha, cutout).save(picture)
    for path in (alpha, cutout, picture):
        typer.echo(path)


def trimap(
    mask: Annotated[Path, typer.Argument(help="A rough mask: white inside, black outside.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The trimap: .png, .tif or .zarr.")],
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


def train(
    config: Annotated[Path, typer.Argument(help="A training configuration, as docs/training/hdmatt-s.yaml.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
) -> None:
    """Train the network as a configuration says; checkpoints are written every few minutes."""
    from hdmatt_core.training.loop import train as run_training

    run_training(config, resume=resume)
