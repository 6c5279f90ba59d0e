"""A broken plug-in is a warning that names its distribution, an error when it is used, and harms nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hdmatt_core.errors import HdmattWarning, UserError
from hdmatt_core.registry import STRICT, Registry

Load = Callable[..., Registry]
Install = Callable[..., None]

SAYS = {
    "raises": (
        "plug-in hdmatt-raises 1.2 (raises = hdmatt_raises): RuntimeError: no licence found (hdmatt_raises.py:1); "
        "repair or upgrade it, or remove it: pip uninstall hdmatt-raises"
    ),
    "leaves": (
        "plug-in hdmatt-leaves 0.1 (leaves = hdmatt_leaves): SystemExit: goodbye (hdmatt_leaves.py:8); "
        "repair or upgrade it, or remove it: pip uninstall hdmatt-leaves"
    ),
    "hookless": (
        "plug-in hdmatt-hookless 0.1 (hookless = hdmatt_hookless): it implements no hook; "
        "decorate a function hdmatt_stages() with hdmatt_core.hooks.hookimpl"
    ),
    "greedy": (
        "plug-in hdmatt-greedy 0.1 (greedy = hdmatt_greedy): its hook's parameters are not those of "
        "hdmatt_core.hooks; write it as hdmatt_stages(), without any"
    ),
    "outdated": (
        "plug-in hdmatt-outdated 0.3 (outdated = hdmatt_outdated): stage 'sampler.outdated' was written "
        "for contract 0, older than this hdmatt's 1; upgrade hdmatt-outdated: pip install -U hdmatt-outdated"
    ),
    "newer": (
        "plug-in hdmatt-newer 9.0 (newer = hdmatt_newer): stage 'sampler.newer' was written for contract 2, "
        "newer than this hdmatt's 1; upgrade hdmatt: pip install -U hdmatt"
    ),
}


@pytest.mark.parametrize("folder", SAYS)
def test_the_warning_names_the_distribution_and_the_cure(folder: str, install: Install) -> None:
    install(folder)
    with pytest.warns(HdmattWarning) as warned:
        registry = Registry.load()
    assert [str(w.message) for w in warned] == [SAYS[folder]]
    assert [str(problem) for problem in registry.problems] == [SAYS[folder]]
    assert registry.stage("sampler.topk").distribution.startswith("hdmatt ")


def test_all_broken_at_once_leave_the_built_in_stages_as_they_are(load: Load) -> None:
    registry = load(*SAYS, "imposter", "twins", "misshapen")
    built_in = {name for name in registry.names() if registry.stage(name).distribution.startswith("hdmatt ")}
    assert {*registry.names()} - built_in == {"pool.sound", "pool.twin"}
    assert {"tiler.grid", "sampler.topk", "blender.ramp"} <= built_in


def test_a_built_in_stage_wins_and_both_distributions_are_named(load: Load) -> None:
    registry = load("imposter")
    assert registry.stage("sampler.topk").stage.__name__ == "TopK"
    (problem,) = registry.problems
    assert problem.distribution == "hdmatt-imposter 1.0"
    assert "'sampler.topk' is already brought by hdmatt 0" in problem.what


def test_of_two_third_parties_the_first_by_name_wins_aloud(load: Load) -> None:
    registry = load("twins")
    assert registry.stage("pool.twin").distribution == "hdmatt-twin-a 1.0"
    (problem,) = registry.problems
    assert problem.distribution == "hdmatt-twin-b 2.0"
    assert "already brought by hdmatt-twin-a 1.0, which is used" in problem.what


def test_one_bad_stage_does_not_cost_a_plug_in_its_good_ones(load: Load) -> None:
    registry = load("misshapen")
    assert "pool.sound" in registry.names("pool")
    assert [problem.what for problem in registry.problems] == [
        "stage 'pool.idle' has no method 'infer', 'run'",
        "stage 'sink.mute' has no method 'write', 'write_bytes'",
        "stage 'pool.other_ports' lacks the pool's port 'tiles', 'pool'",
        "'source.none' is no Source",
        "'Pool Party' is no name for a stage",
        "stage 'sampler.sound' is of kind 'pool'",
        "stage 'pool.dict' is <class 'dict'>",
        "its hook gave 'pool.text'",
    ]


def test_a_broken_stage_is_an_error_when_it_is_used(load: Load) -> None:
    registry = load("outdated", "raises")
    with pytest.raises(UserError) as raised:
        registry.stage("sampler.outdated")
    assert raised.value.message == "stage 'sampler.outdated' cannot be used"
    assert raised.value.detail == (SAYS["outdated"],)


def test_an_unknown_stage_may_be_one_that_a_broken_plug_in_would_have_brought(load: Load) -> None:
    with pytest.raises(UserError, match=r"no stage 'sampler.magic' is installed") as raised:
        load("raises").stage("sampler.magic")
    assert raised.value.detail == (SAYS["raises"],)


def test_strict_mode_makes_problems_errors(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("raises", "outdated")
    monkeypatch.setenv(STRICT, "1")
    with pytest.raises(UserError, match=f"2 problems with plug-ins, and {STRICT} is set") as raised:
        Registry.load()
    assert raised.value.detail == (SAYS["outdated"], SAYS["raises"])
    monkeypatch.setenv(STRICT, "0")
    with pytest.warns(HdmattWarning):
        assert Registry.load().problems
