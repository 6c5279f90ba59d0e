"""Commands called as from a shell, in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from hdmatt_core.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def hdmatt(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """``hdmatt("check", "hdmatt")``: exit code, standard output and error."""

    def called(*words: object) -> Outcome:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return called
