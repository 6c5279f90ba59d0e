"""solver.*: the contract, mattes of known scenes, memory that is told, tiles without evidence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hdmatt_pymatting import ClosedForm, LearningBased, Neighbours, Tiled, hdmatt_stages
from pydantic import ValidationError

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.stage import Stage, Target, Window
from hdmatt_core.testing import Given, StageConformance, given, pictures, run_stage, scene


class Solved(StageConformance):
    """A scene small enough for any solver."""

    def given(self) -> Mapping[str, Given]:
        return SMALL


def scene_given(height: int, width: int, seed: int = 0, band: int = 2) -> dict[str, Given]:
    made = scene(height, width, seed, band)
    return {"image": given(made.image), "trimap": given(made.trimap)}


SMALL = scene_given(48, 64)


class TestClosedForm(Solved):
    name, stage = "solver.cf", ClosedForm


class TestNeighbours(Solved):
    name, stage = "solver.knn", Neighbours


class TestLearningBased(Solved):
    name, stage = "solver.lbdm", LearningBased


class TestTiled(Solved):
    name, stage, params = "solver.tiled", Tiled, {"tile": 40, "overlap": 16}


def test_the_hook_brings_the_solvers() -> None:
    assert [(t.name, t.api) for t in hdmatt_stages()] == [
        (f"solver.{word}", 1) for word in ("cf", "knn", "lbdm", "tiled")
    ]


@pytest.mark.parametrize(("stage", "error"), [(ClosedForm, 0.02), (LearningBased, 0.02), (Neighbours, 0.12)])
def test_a_known_matte_is_found(stage: type[Stage], error: float) -> None:
    made = scene(96, 128)
    alpha = run_stage(stage(stage.Params()), {"image": given(made.image), "trimap": given(made.trimap)})["alpha"]
    unknown = made.trimap == 128
    assert np.abs(alpha - made.alpha)[unknown].mean() < error
    np.testing.assert_array_equal(alpha[~unknown], made.alpha[~unknown])


def test_tiles_are_near_the_whole() -> None:
    inputs = scene_given(96, 128)
    whole = run_stage(ClosedForm(ClosedForm.Params()), inputs)["alpha"]
    tiled = run_stage(Tiled(Tiled.Params(tile=64, overlap=32)), inputs)["alpha"]
    assert np.abs(tiled - whole).mean() < 0.01


def test_one_large_tile_is_the_whole() -> None:
    whole = run_stage(ClosedForm(ClosedForm.Params()), SMALL)["alpha"]
    np.testing.assert_allclose(run_stage(Tiled(Tiled.Params()), SMALL)["alpha"], whole, atol=1e-6)


def test_sixteen_bits_and_floats_are_the_same_picture() -> None:
    image = SMALL["image"].array
    made = run_stage(ClosedForm(ClosedForm.Params()), SMALL)["alpha"]
    for other in (image.astype(np.uint16) * 257, image / 255):
        again = run_stage(ClosedForm(ClosedForm.Params()), SMALL | {"image": given(other)})["alpha"]
        np.testing.assert_allclose(again, made, atol=1e-4)


def test_the_whole_says_what_it_takes() -> None:
    specs = {port: source.spec for port, source in pictures("image", "trimap").items()}
    stage = ClosedForm(ClosedForm.Params())
    assert stage.whole
    assert stage.scratch(Target(Box((0, 0), (150, 210))), specs) == 2600 * 150 * 210


def test_tiles_take_the_memory_of_one_and_read_their_own_window() -> None:
    specs = {
        "image": given(np.zeros((3000, 3000, 3), np.uint8)).spec,
        "trimap": given(np.zeros((3000, 3000), "u1")).spec,
    }
    stage, target = Tiled(Tiled.Params(tile=512, overlap=64)), Target(Box((1024, 0), (1500, 500)))
    assert stage.scratch(target, specs) == 2600 * 512**2 + 16 * 476 * 500
    assert stage.needs(target, specs)["image"] == Window(Box((896, 0), (1856, 960)))


def test_a_tile_that_sees_one_side_becomes_that_side() -> None:
    trimap = np.full((64, 160), 128, np.uint8)
    trimap[:, :8], trimap[:, 152:] = 0, 255
    image = np.random.default_rng(0).integers(0, 256, (64, 160, 3)).astype(np.uint8)
    inputs = {"image": given(image), "trimap": given(trimap)}
    alpha = run_stage(Tiled(Tiled.Params(tile=96, overlap=16)), inputs)["alpha"]
    assert not alpha[:, :80].any()
    assert (alpha[:, 96:] == 1).all()


def test_a_tile_without_evidence_is_told_with_its_place() -> None:
    trimap = np.full((40, 120), 128, np.uint8)
    trimap[:, :4], trimap[:, 116:] = 0, 255
    inputs = {"image": given(np.zeros((40, 120, 3), np.uint8)), "trimap": given(trimap)}
    with pytest.raises(UserError) as caught:
        run_stage(Tiled(Tiled.Params(tile=40, overlap=0)), inputs)
    assert str(caught.value) == (
        "tile of 40 x 40 px at x 40, y 0: no pixel is known; give a trimap with known pixels, or larger tiles"
    )


def test_a_solver_that_gives_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import pymatting

    def give_up(*_: object, **__: object) -> None:
        raise ValueError("did not converge")

    monkeypatch.setattr(pymatting, "estimate_alpha_cf", give_up)
    with pytest.raises(UserError, match="PyMatting's cf gave up: did not converge; try another method"):
        run_stage(ClosedForm(ClosedForm.Params()), SMALL)


def test_known_images_are_not_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    import pymatting

    monkeypatch.setattr(pymatting, "estimate_alpha_cf", None)
    trimap = np.where(np.arange(64) < 20, 0, 255).astype(np.uint8)[None].repeat(48, 0)
    alpha = run_stage(ClosedForm(ClosedForm.Params()), SMALL | {"trimap": given(trimap)})["alpha"]
    np.testing.assert_array_equal(alpha, trimap / 255)


def test_sizes_that_differ_are_told() -> None:
    specs = {"image": SMALL["image"].spec, "trimap": given(np.zeros((4, 5), np.uint8)).spec}
    with pytest.raises(UserError, match="the image is 64 x 48 px, the trimap 5 x 4 px"):
        ClosedForm(ClosedForm.Params()).infer(specs)


@pytest.mark.parametrize("params", [{"tile": 64, "overlap": 33}, {"method": "rw"}])
def test_what_cannot_be_is_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Tiled.Params(**params)
