"""The command line. Exit code 0; 2 for a person's mistake, said in a line; 130 for Ctrl-C; a bug is a traceback."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from hdmatt_core.cli.app import Settings, build_app
from hdmatt_core.errors import HdmattWarning, UserError

__all__ = ["main"]

USER_ERROR, INTERRUPTED = 2, 130

# click's UsageError, which typer re-exports only through its subclass; recent versions bring their own copy.
_UsageError = typer.BadParameter.__mro__[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    settings = Settings()
    logging.getLogger("asyncio").addFilter(_is_no_timeout)
    try:
        with _short_warnings():
            return build_app(words)(args=words, prog_name="hdmatt", obj=settings, standalone_mode=False) or 0
    except UserError as error:
        if settings.traceback:
            raise
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return USER_ERROR
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        if not isinstance(error, _UsageError):
            raise
        print(f"error: {_usage(error)}", file=sys.stderr)  # noqa: T201
        return USER_ERROR


def _is_no_timeout(record: logging.LogRecord) -> bool:
    """Whether asyncio has more to say than that a timeout ran out which nobody waited for: dask leaves such behind."""
    return not (record.exc_info and isinstance(record.exc_info[1], TimeoutError))


def _usage(error: Exception) -> str:
    """click's message in one line, with the command that explains."""
    message = " ".join(str(getattr(error, "format_message", error.__str__)()).split())
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "hdmatt"
    return f"{message.rstrip('.')}; see '{command} --help'"


@contextmanager
def _short_warnings() -> Iterator[None]:
    """Show each of our own warnings once, in a line on stderr; others as Python does."""
    shown: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("always", HdmattWarning)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: object) -> None:
            if not issubclass(category, HdmattWarning):
                others(message, category, *rest)  # type: ignore[arg-type]  # passed on as it came
            elif str(message) not in shown:
                shown.add(str(message))
                print(f"warning: {message}", file=sys.stderr)  # noqa: T201

        warnings.showwarning = show  # type: ignore[assignment]  # the rest of its parameters are passed on
        yield
