"""The commands by name, each imported when it is called: ``hdmatt check`` must not wait for what ``matte`` needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

COMMANDS = {
    "matte": ("matte", "Matte a photograph"),
    "trimap": ("trimap", "Matte a photograph"),
    "demo": ("demo", "Matte a photograph"),
    "run": ("run", "Compose a pipeline"),
    "check": ("inspect", "Compose a pipeline"),
    "plan": ("run", "Compose a pipeline"),
    "draw": ("inspect", "Compose a pipeline"),
    "schema": ("inspect", "Compose a pipeline"),
    "stages": ("plugins", "Extend"),
    "plugins": ("plugins", "Extend"),
    "train": ("train", "Extend"),
    "doctor": ("doctor", "Extend"),
}
"""Module of this package and help panel of each command; the function bears the command's name."""


@dataclass
class Settings:
    """What the options before the command set."""

    traceback: bool = False


def build_app(words: Sequence[str]) -> typer.Typer:
    """The application with the command that ``words`` call, or with all of them where that is not plain."""
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False
    )
    app.callback()(hdmatt)
    called = next((word for word in words if not word.startswith("-")), "")
    for name in [called] if called in COMMANDS else COMMANDS:
        module, panel = COMMANDS[name]
        app.command(name, rich_help_panel=panel)(getattr(import_module(f"hdmatt_core.cli.{module}"), name))
    return app


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
