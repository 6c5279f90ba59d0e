"""Examples in the documentation hold: Python runs, YAML is checked, and commands parse."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from _pytest.mark import ParameterSet
from PIL import Image

from hdmatt_core.cli.app import build_app
from hdmatt_core.pipeline.document import parse_document
from hdmatt_core.pipeline.graph import build_graph
from hdmatt_core.registry import Registry
from hdmatt_core.testing import scene

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARKED = r"^<!-- {} -->\n```{}[^\n]*\n(.*?)^```"
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
INCLUDED = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)


def marked(word: str, language: str) -> Iterator[ParameterSet]:
    """Blocks under the comment ``<!-- word -->``, each with the name of its page, includes filled in."""
    pattern = re.compile(MARKED.format(word, language), re.MULTILINE | re.DOTALL)
    for path in PAGES:
        for number, text in enumerate(pattern.findall(path.read_text(encoding="utf-8")), 1):
            filled = INCLUDED.sub(lambda m: (ROOT / m[1]).read_text(encoding="utf-8"), text)
            yield pytest.param(filled, id=f"{path.stem}-{number}")


def commands() -> Iterator[ParameterSet]:
    for path in PAGES:
        for block in SHELL.findall(path.read_text(encoding="utf-8")):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["hdmatt"]:
                    yield pytest.param(words[1:], id=f"{path.stem}: {' '.join(words)}")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hdmatt_core.errors.HdmattWarning")  # an example may show one
@pytest.mark.parametrize("code", list(marked("run", "python")))
def test_python_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene(200, 300)
    Image.fromarray(made.image).save(tmp_path / "photo.jpg")
    Image.fromarray(made.trimap).save(tmp_path / "trimap.png")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "example", "exec"), {"__name__": "example"})


@pytest.mark.parametrize("text", list(marked("check", "yaml")))
def test_pipelines_hold(text: str, tmp_path: Path) -> None:
    graph = build_graph(parse_document(text, "example.yaml", tmp_path), Registry.load())
    assert graph.outputs


@pytest.mark.parametrize("words", list(commands()))
def test_commands_parse(words: list[str]) -> None:
    name = next(word for word in words if not word.startswith("-"))
    until = words[words.index(name) + 1 :]
    stop = next((i for i, word in enumerate(until) if word in (">", "|", "&")), len(until))
    group = typer.main.get_command(build_app([name]))
    context = group.commands[name].make_context(name, until[:stop])
    assert context.info_name == name
