"""Weights files: what is written comes back, and everything else is refused in one line."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from hdmatt_core.errors import UserError
from hdmatt_core.nn.header import read_header
from hdmatt_core.nn.locate import WEIGHTS, resolve
from hdmatt_core.nn.network import HDMatt
from hdmatt_core.nn.weights import load, save


@pytest.fixture
def file(tmp_path: Path, model: HDMatt) -> Path:
    path = tmp_path / "some.safetensors"
    save(model, path, commit="abc", data="test", extra={"steps": "3"})
    return path


def test_saved_weights_come_back(file: Path, model: HDMatt) -> None:
    header = read_header(file)
    assert (header.preset, header.commit, header.data, header.extra) == ("hdmatt-s", "abc", "test", {"steps": "3"})
    again = load(file, "hdmatt-s")
    assert not again.training
    for name, value in again.state_dict().items():
        want = model.state_dict()[name]
        if "running_" in name:
            assert torch.equal(value, want)
        elif not name.endswith("num_batches_tracked"):
            assert torch.equal(value, want.half().float())
    assert save(again, file, commit="abc", data="test") == header.sha256
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_header_needs_no_torch(file: Path) -> None:
    script = (
        "import sys; from hdmatt_core.nn.header import read_header; from hdmatt_core.nn.locate import resolve;"
        f"from hdmatt_core.nn.layout import skips_bytes; read_header({str(file)!r}); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


def test_a_changed_byte_is_noticed(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match="sha256"):
        load(file)


def rewrite_header(file: Path, change: Callable[[dict[str, dict[str, object]]], object]) -> None:
    content = file.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    entries = json.loads(content[8 : 8 + length])
    change(entries)
    raw = json.dumps(entries).encode()
    file.write_bytes(struct.pack("<Q", len(raw)) + raw + content[8 + length :])


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda f: f.write_bytes(b"PNG"), "no safetensors"),
        (lambda f: f.write_bytes(b"\xff" * 64), "no safetensors"),
        (lambda f: f.write_bytes(struct.pack("<Q", 4) + b"[1]!"), "no safetensors"),
        (lambda f: f.write_bytes(f.read_bytes()[:5000]), "truncated"),
        (lambda f: f.write_bytes(f.read_bytes()[:-1]), "damaged"),
        (lambda f: f.write_bytes(safetensors.torch.save({"a": torch.zeros(2)})), "no HDMatt weights"),
        (lambda f: rewrite_header(f, lambda e: e["__metadata__"].pop("sha256")), "lacks sha256"),
        (lambda f: rewrite_header(f, lambda e: e.update({"x": {"dtype": "F16"}})), "damaged header"),
        (lambda f: f.unlink(), "does not exist"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_line(file: Path, spoil: Callable[[Path], object], word: str) -> None:
    spoil(file)
    with pytest.raises(UserError, match=word) as caught:
        read_header(file)
    assert "\n" not in str(caught.value)


def test_weights_of_another_preset_or_version_are_refused(file: Path) -> None:
    with pytest.raises(UserError, match="of preset 'hdmatt-s', not 'hdmatt-r34'"):
        load(file, "hdmatt-r34")
    rewrite_header(file, lambda e: e["__metadata__"].update(preset="hdmatt-r34"))
    with pytest.raises(UserError, match="do not fit"):
        load(file)


def test_names_resolve_or_say_what_to_do() -> None:
    assert resolve("hdmatt-s") == WEIGHTS["hdmatt-s"]
    with pytest.raises(UserError, match="hdmatt train CONFIG"):
        resolve("hdmatt-r34")
    with pytest.raises(UserError, match="did you mean 'hdmatt-s'"):
        resolve("hdmat-s")


def test_shipped_weights_load() -> None:
    header = read_header(resolve("hdmatt-s"))
    assert WEIGHTS["hdmatt-s"].stat().st_size < 9_000_000
    assert load("hdmatt-s").preset.name == header.preset == "hdmatt-s"
