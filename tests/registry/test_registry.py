"""Stages by name, sources by file, sinks by suffix."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from hdmatt_core.errors import StageError, UserError
from hdmatt_core.kinds import Sink, Source
from hdmatt_core.registry import Registry
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import API, Array, Block, Context, StageType


class Kite(Source):
    """Files that begin with a kite."""

    suffixes: ClassVar[tuple[str, ...]] = (".kite",)

    @classmethod
    def accepts(cls, path: Path, head: bytes) -> bool:
        return head.startswith(b"<>")

    def infer(self, specs: Mapping[str, ArraySpec]) -> dict[str, ArraySpec]:
        return {"pixels": ArraySpec(("y", "x"), (1, 1), "uint8")}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        raise AssertionError("a pixel was read")


class Moody(Kite):
    """Fails when it is shown a file."""

    @classmethod
    def accepts(cls, path: Path, head: bytes) -> bool:
        raise OSError("not today")


class Bird(Sink):
    """Writes files with wings."""

    suffixes: ClassVar[tuple[str, ...]] = (".bird", ".wing")


KITE = StageType("source.kite", Kite, API, "hdmatt-kite 1.0")
BIRD = StageType("sink.bird", Bird, API, "hdmatt-birds 2.1")
MOODY = StageType("source.moody", Moody, API, "hdmatt-moody 0.1")


def test_the_built_in_stages_are_there() -> None:
    registry = Registry.load()
    assert {"tiler.grid", "sampler.topk", "source.png", "sink.png"} <= {*registry.names()}
    assert all(name.startswith("sampler.") for name in registry.names("sampler"))
    assert registry.names() == tuple(sorted(registry.names()))


def test_an_unknown_stage_names_the_nearest_or_those_of_its_kind() -> None:
    registry = Registry([KITE, BIRD])
    with pytest.raises(UserError, match=r"no stage 'source.kit' is installed; did you mean 'source.kite'"):
        registry.stage("source.kit")
    with pytest.raises(UserError, match=r"no stage 'sink.parachute' is installed; there are sink.bird"):
        registry.stage("sink.parachute")
    with pytest.raises(UserError, match=r"no stage '' is installed; 'hdmatt stages' lists them"):
        registry.stage("")


def test_a_source_is_told_by_the_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "misnamed.png").write_bytes(b"<>rest")
    assert Registry([KITE, BIRD]).source_for(tmp_path / "misnamed.png") is KITE


def test_files_that_nobody_reads(tmp_path: Path) -> None:
    registry = Registry([KITE, BIRD])
    text = tmp_path / "notes.txt"
    text.write_text("not a kite")
    with pytest.raises(UserError, match=r"notes.txt: not an image that can be read; read are \.kite$"):
        registry.source_for(text)
    with pytest.raises(UserError, match=r"gone\.kite: no such file"):
        registry.source_for(tmp_path / "gone.kite")
    with pytest.raises(UserError, match="not an image that can be read"):
        registry.source_for(tmp_path)


def test_a_source_that_fails_is_named_with_its_distribution(tmp_path: Path) -> None:
    (tmp_path / "a.kite").write_bytes(b"<>")
    with pytest.raises(StageError, match=r"source\.moody of hdmatt-moody 0\.1 raised OSError: not today"):
        Registry([MOODY, KITE]).source_for(tmp_path / "a.kite")


def test_a_sink_is_told_by_the_suffix() -> None:
    registry = Registry([KITE, BIRD])
    assert registry.sink_for(Path("a.WING")) is BIRD
    with pytest.raises(UserError, match=r"a.png: cannot tell the format from the suffix; written are \.bird, \.wing"):
        registry.sink_for(Path("a.png"))


def test_distributions_of_the_stages_used() -> None:
    registry = Registry([KITE, BIRD])
    assert registry.distributions() == {"hdmatt-birds": "2.1", "hdmatt-kite": "1.0"}
    assert registry.distributions(["source.kite"]) == {"hdmatt-kite": "1.0"}


def test_without_an_installation_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hdmatt_core.registry.loading.entry_points", lambda group: [])
    with pytest.raises(UserError, match=r"hdmatt is not installed.*pip install -e \."):
        Registry.load()


def test_loading_imports_no_torch() -> None:
    program = "import sys; from hdmatt_core.registry import Registry; Registry.load(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
