"""The commands by name, each imported when it is called: ``hdmatt check`` must not wait for what ``matte`` needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

MATTE, COMPOSE, EXTEND = "Matte pictures", "Compose pipelines", "Look inside and extend"
MEASURE = "Train and compare"


@dataclass(frozen=True)
class Command:
    """Where a command's function is (it bears the command's name), and how ``hdmatt --help`` shows it."""

    module: str
    panel: str
    help: str


COMMANDS: Mapping[str, Command] = {
    "matte": Command("matte", MATTE, "Matte a picture at its full size."),
    "trimap": Command("trimap", MATTE, "Make a trimap from a rough mask."),
    "demo": Command("demo", MATTE, "Matte the photograph that ships with hdmatt."),
    "run": Command("run", COMPOSE, "Run a pipeline."),
    "check": Command("inspect", COMPOSE, "Check a pipeline and report all its faults at once, with their lines."),
    "plan": Command("run", COMPOSE, "Show what a run would do and cost, without doing it."),
    "draw": Command("inspect", COMPOSE, "Draw a pipeline as a mermaid flowchart."),
    "schema": Command("inspect", COMPOSE, "Write the JSON schema of pipeline files, for editors."),
    "stages": Command("plugins", EXTEND, "List the stages that a pipeline can use, or describe one."),
    "plugins": Command("plugins", EXTEND, "List the installed plug-ins, and what is wrong with them."),
    "scene": Command("scene", EXTEND, "Draw a picture of any size whose true matte is known."),
    "train": Command("train", MEASURE, "Train a network."),
    "evaluate": Command("evaluate", MEASURE, "Errors of mattes against the truth, or of methods on a set."),
    "compose": Command("compose", MEASURE, "Compose a test set with known mattes."),
    "ablate": Command("ablate", MEASURE, "What each part of the method is worth, on a set."),
    "explain": Command("explain", EXTEND, "Where a patch looks in the picture, and what that changes."),
    "doctor": Command("doctor", EXTEND, "Look at this machine: versions, devices, memory, weights, plug-ins."),
}


@dataclass
class Settings:
    """What the options before the command set."""

    traceback: bool = False


def build_app(words: Sequence[str]) -> typer.Typer:
    """The application, with the function of the one command that ``words`` call."""
    app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
    app.callback()(hdmatt)
    called = next((word for word in words if not word.startswith("-")), "")
    for name, command in COMMANDS.items():
        if name == called:
            function = getattr(import_module(f"hdmatt_core.cli.{command.module}"), name)
            app.command(name, rich_help_panel=command.panel)(function)
        else:
            app.command(name, rich_help_panel=command.panel, help=command.help)(_not_called)
    return app


def _not_called() -> None:
    """Stands for the commands that are only listed."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"hdmatt {version('hdmatt')}")
        raise typer.Exit


def hdmatt(
    context: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_version)
    ] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error comes from.")] = False,
) -> None:
    """Mattes of pictures of any size, by a pipeline of stages that can be exchanged.

    [bold]Begin with[/bold]

    hdmatt demo

    hdmatt matte photo.jpg trimap.png -o alpha.png

    hdmatt COMMAND --help
    """
    context.obj.traceback = traceback
