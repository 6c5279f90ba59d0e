"""The reference of commands, from the command line's own description of itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

import typer
from stages import table

from hdmatt_core.cli.app import COMMANDS, build_app

INTRODUCTION = """# Commands

`hdmatt COMMAND --help` prints the same. Exit codes: 0 done; 2 a mistake in what was
asked for, said in a line; 130 interrupted.
"""


def page() -> str:
    """The page, in Markdown: a section for every command, in the order of ``hdmatt --help``."""
    return "\n".join([INTRODUCTION, *(section(name, command(name)) for name in COMMANDS)])


def command(name: str) -> Any:
    """The command with its arguments and options; the application builds only the one that is called."""
    group: Any = typer.main.get_command(build_app([name]))
    return group.commands[name]


def section(name: str, command: Any) -> str:
    """One command: usage, help, arguments and options."""
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    words = [called(p) if p.required else f"[{called(p)}]" for p in arguments]
    usage = " ".join(["hdmatt", name, *words, *(["[OPTIONS]"] if options else [])])
    lines = [f"## hdmatt {name}", "", "```text", usage, "```", "", prose(command.help or ""), ""]
    lines += table(("argument", ""), [(f"`{called(p)}`", p.help or "") for p in arguments])
    lines += table(("option", "default", ""), [row(p) for p in options])
    return "\n".join(lines)


def called(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def row(option: Any) -> tuple[str, str, str]:
    value = "" if option.is_flag else f" {called(option)}"
    empty = option.default in (None, False, (), [])
    return f"`{', '.join(option.opts)}{value}`", "" if empty else f"`{option.default}`", option.help or ""


def prose(text: str) -> str:
    """typer's help as Markdown: its bold headings, and the examples under them as a block of code."""
    parts = re.split(r"\[bold\](.+?)\[/bold\]", inspect.cleandoc(text).replace("\f", ""))
    lines = [parts[0].strip()]
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        lines += ["", f"**{heading}**", "", *block(body.strip().splitlines())]
    return "\n".join(lines)


def block(lines: Iterable[str]) -> list[str]:
    return ["```text", *(line for line in lines if line.strip()), "```"]
