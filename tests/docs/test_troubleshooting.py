"""The messages that the troubleshooting page explains are messages that the program gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (`.+?`) \| ", re.MULTILINE)
SOURCES = [path for folder in ("hdmatt_core", "plugins") for path in (ROOT / folder).rglob("*.py")]


def quoted() -> list[str]:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    return [part for cell in ROW.findall(page) for part in re.findall(r"`(.+?)`", cell)]


def literal(source: str) -> str:
    """Source text with adjacent string literals joined, as the messages appear."""
    return re.sub(r'"\s*\n\s*f?"', "", source)


@pytest.fixture(scope="module")
def program() -> str:
    return "\n".join(literal(path.read_text(encoding="utf-8")) for path in SOURCES)


@pytest.mark.parametrize("words", quoted())
def test_the_program_says_so(words: str, program: str) -> None:
    assert words in program
