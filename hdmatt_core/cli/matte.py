"""``hdmatt matte``: one picture, or a folder of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast

import typer

from hdmatt_core.cli import options
from hdmatt_core.cli.running import execute, resume_command
from hdmatt_core.cli.words import reduction
from hdmatt_core.errors import UserError
from hdmatt_core.kinds import Sink
from hdmatt_core.runtime.cluster import session
from hdmatt_core.runtime.prepare import check_settings, prepare
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.space import room
from hdmatt_core.storage.made import Made
from hdmatt_core.storage.store import Fingerprint


def matte(
    image: Annotated[Path, typer.Argument(help="The picture, or a folder of pictures.")],
    trimap: Annotated[
        Path | None, typer.Argument(help="Its trimap: black background, grey unknown, white foreground.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The matte: .png, .tif, .zarr or .ome.zarr; a folder for a folder.")
    ] = Path("alpha.png"),
    trimaps: Annotated[Path | None, typer.Option(help="The folder of trimaps, named like the pictures.")] = None,
    foreground: Annotated[
        Path | None, typer.Option(help="Also write the cut-out: RGBA with clean foreground colours, .png or .tif.")
    ] = None,
    pipeline: options.Pipeline = "hdmatt",
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
    """Matte a picture at its full size.

    [bold]Examples[/bold]

    hdmatt matte photo.jpg trimap.png -o alpha.png --foreground cutout.png

    hdmatt matte scan.tif trimap.tif -o alpha.zarr --memory 2GB --resume

    hdmatt matte scan.tif trimap.tif -o look.png --preview 1/8

    hdmatt matte scan.tif trimap.tif -o alpha.tif --update

    hdmatt matte photos/ --trimaps trimaps/ -o alphas/
    """
    request = Request(
        pipeline=pipeline,
        inputs={},
        outputs={},
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
    if image.is_dir() and trimaps is not None:
        if report is not None:
            raise UserError("--report is of one picture; for a folder, --keep-run leaves one in each run's store")
        with session():
            _folder(request, image, trimaps, output, foreground, quiet=quiet)
        return
    if trimap is None:
        raise UserError(
            f"{image}: a trimap is needed: hdmatt matte {image} TRIMAP -o {output}; "
            "hdmatt trimap makes one from a rough mask"
            if not image.is_dir()
            else f"{image} is a folder: give the folder of its trimaps with --trimaps"
        )
    execute(_one(request, image, trimap, output, foreground), quiet=quiet, report=report)


def _one(request: Request, image: Path, trimap: Path, output: Path, foreground: Path | None) -> Request:
    outputs: dict[str, Path | None] = {"alpha": output}
    if foreground is not None:
        outputs["foreground"] = foreground
    return dataclasses.replace(request, inputs={"image": image, "trimap": trimap}, outputs=outputs)


def _folder(
    request: Request, images: Path, trimaps: Path, output: Path, foreground: Path | None, *, quiet: bool
) -> None:
    """Each picture in turn; a bad file is reported and the others go on; exit code 2 if there was one."""
    if not trimaps.is_dir():
        raise UserError(f"--trimaps {trimaps}: no such folder")
    check_settings(request, ("alpha",) if foreground is None else ("alpha", "foreground"))
    for folder in (output, foreground):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    made, done, skipped = Made(output), 0, 0
    failures: list[tuple[Path, UserError]] = []
    for image in _pictures(images):
        alpha = output / f"{image.stem}.png"
        cutout = foreground / f"{image.stem}.png" if foreground else None
        try:
            asked = _one(request, image, _partner(image, trimaps), alpha, cutout)
            parts = _made_from(asked)
            if request.resume and _finished(asked) and _still_that(alpha, made.changed(alpha, parts), request):
                skipped += 1
                continue
            execute(asked, quiet=quiet)
            with room(alpha):
                made.note(alpha, parts)
            done += 1
        except UserError as error:
            failures.append((image, error))
            typer.echo(f"error: {error}", err=True)
    _summary(done, skipped, failures)


def _finished(request: Request) -> bool:
    """Whether an earlier run made all that is asked for, and left nothing to go on with."""
    store = request.store_path()
    made = all(path is None or path.exists() for path in request.outputs.values())
    return made and not (store is not None and store.exists())


def _made_from(request: Request) -> Fingerprint:
    """All that a matte depends on, and how it is written."""
    prepared = prepare(request)
    for source in prepared.sources.values():
        source.close()
    depths = {
        f"depth of output '{name}'": cast("Sink.Params", sink.params).depth for name, sink in prepared.sinks.items()
    }
    return {**prepared.fingerprint(), **depths}


def _still_that(alpha: Path, changed: list[str], request: Request) -> bool:
    """Whether a matte that is there would come out the same now; UserError where not, unless it may be overwritten."""
    if changed and not request.overwrite:
        raise UserError(f"{alpha} is there, changed since: {', '.join(changed)}; add --overwrite to make such anew")
    return not changed


def _summary(done: int, skipped: int, failures: list[tuple[Path, UserError]]) -> None:
    there = f", {skipped} there already" if skipped else ""
    typer.echo(f"{done} matted{there}, {len(failures)} failed", err=True)
    for image, error in failures:
        typer.echo(f"  {image}: {error.message}", err=True)
    if failures:
        raise typer.Exit(2)


def _pictures(folder: Path) -> Iterator[Path]:
    found = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    if not found:
        raise UserError(f"{folder}: the folder holds no pictures")
    stems = [p.stem for p in found]
    for twice in {stem for stem in stems if stems.count(stem) > 1}:
        raise UserError(f"{folder}: two pictures are called '{twice}'; their mattes would have one name")
    yield from found


def _partner(image: Path, trimaps: Path) -> Path:
    found = sorted(p for p in trimaps.iterdir() if p.stem == image.stem)
    if len(found) != 1:
        what = "no trimap" if not found else f"{len(found)} trimaps"
        raise UserError(f"{image}: {what} called '{image.stem}' in {trimaps}")
    return found[0]
