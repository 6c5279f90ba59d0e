"""Running a request for a person: bars, and the command that goes on if it stops."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import typer

from hdmatt_core.errors import ResumeError, UserError
from hdmatt_core.pages.witness import reporting
from hdmatt_core.pipeline.plan import Plan
from hdmatt_core.report import progress
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import Result, run


def execute(request: Request, *, quiet: bool, report: Path | None = None) -> Result:
    """Run with progress bars; whatever stops it, say how to go on if there is something to go on from.

    A page about it is written to ``report``, or into the run's store if that is kept.
    """
    try:
        with progress(quiet=quiet) as listener:
            result = run(request, listener, witness=reporting(request, report, listener))
    except ResumeError:
        raise  # what it says is the cure; the same command again is not
    except UserError as error:
        error.detail = (*error.detail, *_how_to_go_on(request))
        raise
    except BaseException:
        for line in _how_to_go_on(request):
            typer.echo(line, err=True)
        raise
    if request.preview > 1:
        typer.echo(_size(request, result.plan), err=True)
    return result


def _size(request: Request, plan: Plan) -> str:
    """What is smaller than a person may expect."""
    height, width = plan.region.shape if plan.region else next(iter(plan.inputs.values())).spec.shape[:2]
    return f"a preview at 1/{request.preview} of the picture's sides: {width} x {height} pixels"


def _how_to_go_on(request: Request) -> list[str]:
    store = request.store_path()
    begun = store is not None and (store / "run.json").exists()
    return [f"go on with: {resume_command()}"] if begun else []


def resume_command() -> str:
    """This command as it would be typed again, to go on; an update goes on by itself, and may have an edit to see."""
    words = [word for word in sys.argv[1:] if word not in ("--overwrite", "--resume")]
    how = [] if "--update" in words else ["--resume"]
    return shlex.join([Path(sys.argv[0]).name, *words, *how])
