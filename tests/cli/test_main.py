"""The frame: exit codes, errors in a line, bugs as tracebacks, warnings once."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest

from hdmatt_core.cli import main
from hdmatt_core.cli.app import COMMANDS
from hdmatt_core.errors import HdmattWarning, UserError

Hdmatt = Callable[..., Any]


@pytest.fixture
def stages_does(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Let ``hdmatt stages`` do something else."""
    module = importlib.import_module("hdmatt_core.cli.plugins")
    return lambda does: monkeypatch.setattr(module, "stages", does)


def test_a_users_mistake_is_exit_code_2_and_its_lines(hdmatt: Hdmatt, stages_does: Any) -> None:
    def wrong() -> None:
        raise UserError("a.png: not what it seems; look again", detail=["closely"])

    stages_does(wrong)
    outcome = hdmatt("stages")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: a.png: not what it seems; look again\n  closely\n"
    with pytest.raises(UserError):
        main(["--traceback", "stages"])


def test_a_bug_keeps_its_traceback(stages_does: Any) -> None:
    def bug() -> None:
        raise ZeroDivisionError

    stages_does(bug)
    with pytest.raises(ZeroDivisionError):
        main(["stages"])


def test_ctrl_c_is_130(hdmatt: Hdmatt, stages_does: Any) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    stages_does(interrupted)
    assert hdmatt("stages").code == 130


def test_our_warnings_are_a_line_each_and_said_once(hdmatt: Hdmatt, stages_does: Any) -> None:
    def warning() -> None:
        for text in ("an odd trimap", "an odd image", "an odd trimap"):
            warnings.warn(text, HdmattWarning, stacklevel=1)
        with pytest.warns(DeprecationWarning, match="somebody else's"):
            warnings.warn("somebody else's", DeprecationWarning, stacklevel=1)

    stages_does(warning)
    outcome = hdmatt("stages")
    assert outcome.err == "warning: an odd trimap\nwarning: an odd image\n"
    assert outcome.code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("chek", "x"), "error: No such command 'chek'. Did you mean 'check'"),
        (("check",), "error: Missing argument"),
        (("check", "hdmatt", "--no-such"), "error: No such option: --no-such"),
        (("--no-such",), "error: No such option: --no-such"),
        (("check", "hdmatt", "--set"), "error: Option '--set' requires an argument"),
        (("check", "a", "b"), "error: Got unexpected extra argument"),
    ],
)
def test_misuse_is_a_line_that_names_the_help(hdmatt: Hdmatt, words: tuple[str, ...], said: str) -> None:
    outcome = hdmatt(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(said)
    assert outcome.err.endswith(" --help'\n")
    assert outcome.err.count("\n") == 1


def test_the_version(hdmatt: Hdmatt) -> None:
    assert hdmatt("--version").out == f"hdmatt {version('hdmatt')}\n"


def test_without_words_there_is_help(hdmatt: Hdmatt) -> None:
    outcome = hdmatt()
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == hdmatt("--help").out
    assert all(f" {name} " in outcome.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_list_says_and_teaches_by_example(name: str, hdmatt: Hdmatt) -> None:
    function = getattr(importlib.import_module(f"hdmatt_core.cli.{COMMANDS[name].module}"), name)
    taught = inspect.getdoc(function) or ""
    assert f"hdmatt {name}" in taught
    outcome = hdmatt(name, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"hdmatt {name}" in outcome.out


def test_a_broken_pipe_is_quiet() -> None:
    program = f"import sys; from hdmatt_core.cli import main; sys.exit(main({['stages']}))"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.close()
        _, err = run.communicate(timeout=60)
    assert b"Traceback" not in err


LEFT_BEHIND = """
import asyncio
from hdmatt_core.cli import main
main(["--version"])
asyncio.new_event_loop().create_future().set_exception({error}("late"))
"""


@pytest.mark.parametrize(("error", "shown"), [("TimeoutError", False), ("ValueError", True)])
def test_timeouts_that_nobody_waited_for_are_not_shown_and_bugs_are(error: str, shown: bool) -> None:
    program = LEFT_BEHIND.format(error=error)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ("never retrieved" in done.stderr) is shown
