"""stages, plugins and doctor, with sound and with broken plug-ins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hdmatt_core.cli import doctor
from hdmatt_core.registry import STRICT, Registry

Hdmatt = Callable[..., Any]

BROKEN = Path(__file__).parents[1] / "broken_plugins"


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every broken distribution, installed at once."""
    for folder in sorted(BROKEN.iterdir()):
        if folder.is_dir():
            monkeypatch.syspath_prepend(str(folder))


def test_every_stage_is_listed_with_its_parameters(hdmatt: Hdmatt) -> None:
    outcome = hdmatt("stages")
    assert outcome.code == 0
    head, *rows = outcome.out.splitlines()
    assert head.split() == ["stage", "parameters", "what", "it", "does", "from"]
    assert tuple(row.split()[0] for row in rows) == Registry.load().names()
    (topk,) = (row for row in rows if row.startswith("sampler.topk "))
    assert "k=3 " in topk
    samplers = hdmatt("stages", "--kind", "sampler").out.splitlines()[1:]
    assert {row.split(".")[0] for row in samplers} == {"sampler"}


def test_one_stage_is_described_in_full(hdmatt: Hdmatt) -> None:
    lines = hdmatt("stages", "sampler.topk").out.splitlines()
    assert lines[0].startswith("sampler.topk  (hdmatt ")
    assert {"inputs", "outputs", "parameters"} <= {*lines}
    assert any(line.split()[:5] == ["k", "integer", ">=", "1,", "<="] for line in lines)
    assert any(line.split()[:2] == ["choice", "tile,k"] for line in lines)


def test_an_optional_port_and_the_files_of_a_source_are_told(hdmatt: Hdmatt) -> None:
    lines = hdmatt("stages", "source.png").out.splitlines()
    assert "files: .png" in lines[-1]
    assert not any("path" in line.split()[:1] for line in lines)


def test_an_unknown_stage_is_a_line(hdmatt: Hdmatt) -> None:
    outcome = hdmatt("stages", "sampler.topq")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: no stage 'sampler.topq' is installed; did you mean 'sampler.topk'?\n"


def test_an_unknown_kind_is_a_line(hdmatt: Hdmatt) -> None:
    outcome = hdmatt("stages", "--kind", "nosuch")
    assert outcome.code == 2
    assert "there is no stage of kind 'nosuch'; there are aggregator, blender" in outcome.err


@pytest.mark.usefixtures("broken")
def test_broken_plug_ins_do_not_hurt_the_list_of_stages(hdmatt: Hdmatt) -> None:
    outcome = hdmatt("stages")
    assert outcome.code == 0
    assert "sampler.topk " in outcome.out
    warned = outcome.err.splitlines()
    assert all(line.startswith("warning: plug-in hdmatt-") for line in warned)
    assert len(warned) == len({*warned}) >= 8


@pytest.mark.usefixtures("broken")
def test_broken_plug_ins_do_not_hurt_a_check(hdmatt: Hdmatt) -> None:
    assert hdmatt("check", "hdmatt").code == 0


@pytest.mark.usefixtures("broken")
def test_strict_mode_refuses_them(hdmatt: Hdmatt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STRICT, "1")
    outcome = hdmatt("stages")
    assert (outcome.code, outcome.out) == (2, "")
    assert f"problems with plug-ins, and {STRICT} is set\n  plug-in hdmatt-greedy 0.1" in outcome.err


@pytest.mark.usefixtures("broken")
def test_plugins_lists_what_is_wrong_with_each(hdmatt: Hdmatt) -> None:
    outcome = hdmatt("plugins")
    assert (outcome.code, outcome.err) == (0, "")
    assert "hdmatt-misshapen 0.1  pool.sound" in outcome.out
    assert "hdmatt-raises 1.2     none" in outcome.out
    assert "problem: plug-in hdmatt-raises 1.2 (raises = hdmatt_raises): RuntimeError: no licence found" in outcome.out


def test_sound_plug_ins_have_no_problems(hdmatt: Hdmatt) -> None:
    assert "problem" not in hdmatt("plugins").out


def test_a_table_is_drawn_on_a_terminal(hdmatt: Hdmatt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "300")
    shown = hdmatt("plugins").out
    assert "──" in shown
    assert "tiler.grid" in shown


def test_the_doctor_finds_what_there_is(hdmatt: Hdmatt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PROBES", [probe for probe in doctor.PROBES if probe.__name__ != "_weights"])
    outcome = hdmatt("doctor")
    assert (outcome.code, outcome.err) == (0, "")
    for subject in ("python", "torch", "zarr", "dask", "instruction set", "cores", "memory", "disk", "plug-ins"):
        assert f"  {subject} " in outcome.out


@pytest.mark.usefixtures("broken")
def test_the_doctor_names_what_is_broken_and_never_falls_ill(hdmatt: Hdmatt, monkeypatch: pytest.MonkeyPatch) -> None:
    def _fever() -> None:
        raise MemoryError("too\nhot")

    monkeypatch.setattr(doctor, "PROBES", (_fever, doctor._python, doctor._plugins))
    outcome = hdmatt("doctor")
    lines = outcome.out.splitlines()
    assert outcome.code == 2
    assert lines[1].split(maxsplit=2) == ["broken", "fever", "MemoryError: too hot"]
    assert lines[2].startswith("ok ")
    assert any(line.startswith("broken  plug-in hdmatt-raises 1.2") for line in lines)
    assert lines[-1].endswith("things are broken")


def test_the_doctor_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-thing"))
    assert [*doctor._packages()][1] == ("broken", "no-such-thing", "not installed; pip install no-such-thing")


def test_the_doctor_reads_the_weights_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hdmatt_core.nn import locate

    monkeypatch.setattr(locate, "WEIGHTS", {"hdmatt-x": tmp_path / "gone.safetensors"})
    ((verdict, _, found),) = doctor._guarded(doctor._weights)
    assert verdict == "broken"
    assert "does not exist" in found
