"""``hdmatt demo``: the photograph that ships with hdmatt."""

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
    """Matte the photograph that ships with hdmatt: writes alpha.png, cutout.png and overview.png.

    [bold]Example[/bold]

    hdmatt demo -o demo-out
    """
    from hdmatt_core.demo import PHOTO, TRIMAP
    from hdmatt_core.demo.overview import overview

    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{output}: cannot be made a folder ({error.strerror}); give another with -o") from None
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
