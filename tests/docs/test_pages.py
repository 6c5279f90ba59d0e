"""Pages are finished, findable, and point at files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
STANDING_ALONE = [ROOT / "README.md", *sorted((ROOT / "plugins").glob("*/README.md"))]
INCLUDED = re.compile(r'--8<-- "([^":]+)(?::[\w:]+)?"')
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize("path", [*PAGES, *STANDING_ALONE], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_left_to_fill_in(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(("# ", "--8<-- "))
    assert not re.search(r"@[A-Z0-9_]+@|\bTODO\b|\bTBD\b|\bXXX\b", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_a_page_is_in_the_navigation(path: Path) -> None:
    assert str(path.relative_to(DOCS)) in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_what_a_page_includes_is_there(path: Path) -> None:
    marks = [line for line in path.read_text(encoding="utf-8").splitlines() if re.match(r"-+\s*8", line)]
    files = [INCLUDED.fullmatch(mark) for mark in marks]
    assert None not in files, "a formatter took a mark apart"
    assert [mark for mark, file in zip(marks, files, strict=True) if file and not (ROOT / file[1]).is_file()] == []


@pytest.mark.parametrize("path", STANDING_ALONE, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    links = LINK.findall(path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_readme_has_a_picture_that_is_quick_to_load() -> None:
    assert "](docs/assets/overview.jpg)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert 20_000 < (DOCS / "assets" / "overview.jpg").stat().st_size < 400_000
