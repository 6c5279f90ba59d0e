"""``hdmatt scene``: a picture of any size whose true matte is known."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from hdmatt_core.cli import options
from hdmatt_core.errors import UserError

LEAST, LARGEST = 256, 1 << 20


def scene(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="NAME.zarr for one zarr group, or a folder for pictures.")
    ],
    size: Annotated[str, typer.Option(metavar="SIDE|H,W", help="Pixels: 32768, or 20000,30000.")] = "4096",
    seed: Annotated[
        int, typer.Option(min=0, help="Another seed is another scene; the same is the same to the bit.")
    ] = 0,
    unknown: Annotated[float, typer.Option(metavar="SHARE", help="About this share of the pixels is unknown.")] = 0.05,
    noise: Annotated[
        float, typer.Option(min=0, max=64, metavar="SIGMA", help="The sensor's noise, in levels of 255; 0 for none.")
    ] = 1.5,
    form: Annotated[
        str, typer.Option("--format", metavar="SUFFIX", help="The format of pictures in a folder: tif or png.")
    ] = "tif",
    threads: Annotated[int, typer.Option(min=0, help="Tiles drawn at a time into a zarr group; 0 for one a core.")] = 0,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw a scene: image, trimap and true alpha, tile by tile in little memory, the same pixels however it is cut.

    Hair, smoke, leaves, long strands, and thickets that are wholly unknown and many patches wide: what they are made
    of, and the ground behind them, are known only elsewhere in the picture.

    [bold]Examples[/bold]

    hdmatt scene --size 8192 --seed 7 -o scene.zarr

    hdmatt matte scene.zarr/image scene.zarr/trimap -o alpha.zarr --pipeline gigapixel --memory 2GB
    """
    from hdmatt_core.runtime.request import usable_cores
    from hdmatt_core.scene import Scene
    from hdmatt_core.scene.write import write_pictures, write_zarr

    _may_write(output, overwrite)
    drawn, whole = Scene(parse_sides(size), seed, unknown, noise), output.suffix == ".zarr"
    with _bar(math.prod(drawn.shape) * (1 if whole else 3), quiet) as advance:
        if whole:
            write_zarr(drawn, output, threads or usable_cores(), advance)
        else:
            write_pictures(drawn, output, "." + form.lstrip("."), advance)


@contextmanager
def _bar(pixels: int, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar that fills as pixels are written; none where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("{task.completed:.0f} of {task.total:.0f} megapixels"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("scene", total=pixels / 1e6)
        yield lambda done: bar.advance(task, done / 1e6)


def parse_sides(text: str) -> tuple[int, int]:
    """Height and width of ``8192`` or ``20000,30000``; UserError for anything else."""
    words = text.split(",")
    if len(words) > 2 or not all(word.strip().isdigit() for word in words):
        raise UserError(f"--size {text}: give a side, or height and width: --size 32768, --size 20000,30000")
    height, width = int(words[0]), int(words[-1])
    if not LEAST <= min(height, width) <= max(height, width) <= LARGEST:
        raise UserError(f"--size {text}: a side has {LEAST} to {LARGEST} pixels")
    return height, width


def _may_write(output: Path, overwrite: bool) -> None:
    if not output.absolute().parent.is_dir():
        raise UserError(f"{output}: the folder {output.absolute().parent} does not exist")
    if output.exists() and not overwrite:
        raise UserError(f"{output} exists; give --overwrite, or another output")
