"""Every built-in stage keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping

import hdmatt_stages
import pytest
from hdmatt_stages import (
    AllPatches,
    BlurFusion,
    Crop,
    Far,
    FromMask,
    GridTiler,
    Image,
    Known,
    NearUnknown,
    NoContext,
    NonLocal,
    Palette,
    Patches,
    Ramp,
    RandomContext,
    ResNet,
    TopK,
    Trimap,
    TrimapGuided,
    Unpool,
)

from hdmatt_core.stage import API
from hdmatt_core.testing import Given, StageConformance, complete, pictures, standard_inputs


class TestGridTiler(StageConformance):
    name, stage, params = "tiler.grid", GridTiler, {"patch": 64, "overlap": 16, "side": 2}


class TestAllPatches(StageConformance):
    name, stage = "pool.all", AllPatches


class TestNearUnknown(StageConformance):
    name, stage, params = "pool.near", NearUnknown, {"radius": 1, "most": 5}


class TestKnown(StageConformance):
    name, stage = "colour.known", Known

    def given(self) -> Mapping[str, Given]:
        return {port: value for port, value in standard_inputs("encoder").items() if port in Known.inputs}


class TestFar(StageConformance):
    name, stage = "colour.far", Far

    def given(self) -> Mapping[str, Given]:
        return {"means": known()["means"]}


class TestPalette(StageConformance):
    name, stage = "colour.palette", Palette

    def given(self) -> Mapping[str, Given]:
        return {"counts": known()["counts"]}


def known() -> Mapping[str, Given]:
    return complete(Known(Known.Params()), TestKnown().given())


class TestImage(StageConformance):
    name, stage = "overview.image", Image

    def given(self) -> Mapping[str, Given]:
        return pictures("image")


class TestTrimap(StageConformance):
    name, stage, params = "overview.trimap", Trimap, {"factor": 8}

    def given(self) -> Mapping[str, Given]:
        return pictures("trimap")


class TestPatches(StageConformance):
    name, stage = "overview.patches", Patches

    def given(self) -> Mapping[str, Given]:
        return {port: value for port, value in standard_inputs("encoder").items() if port in Patches.inputs}


class TestResNet(StageConformance):
    name, stage = "encoder.resnet", ResNet


class TestTopK(StageConformance):
    name, stage, params = "sampler.topk", TopK, {"k": 4}


class TestRandomContext(StageConformance):
    name, stage = "sampler.random", RandomContext


class TestNoContext(StageConformance):
    name, stage = "sampler.none", NoContext


class TestTrimapGuided(StageConformance):
    name, stage = "aggregator.tgnl", TrimapGuided


class TestNonLocal(StageConformance):
    name, stage = "aggregator.nonlocal", NonLocal


class TestUnpool(StageConformance):
    name, stage = "decoder.unpool", Unpool


class TestRamp(StageConformance):
    name, stage = "blender.ramp", Ramp


class TestCrop(StageConformance):
    name, stage = "blender.crop", Crop


class TestBlurFusion(StageConformance):
    name, stage, params = "foreground.blurfusion", BlurFusion, {"wide": 30}

    def given(self) -> Mapping[str, Given]:
        return pictures("image", "alpha")


class TestFromMask(StageConformance):
    name, stage, params = "trimap.from_mask", FromMask, {"band": 4, "dilate": 7}

    def given(self) -> Mapping[str, Given]:
        return pictures("mask")


def test_every_registered_stage_is_tried_here() -> None:
    tried = {c.name: c.stage for c in vars(__import__("sys").modules[__name__]).values() if _is_case(c)}
    assert tried == hdmatt_stages.STAGES


def _is_case(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, StageConformance) and value is not StageConformance


@pytest.mark.parametrize("name", sorted(hdmatt_stages.STAGES))
def test_docstrings_hold_a_source_or_say_what_they_ablate(name: str) -> None:
    text = hdmatt_stages.STAGES[name].__doc__ or ""
    assert any(word in text for word in ("Source: ", "ablation", "Not in the paper"))


def test_the_hook_gives_every_stage_for_this_contract() -> None:
    types = hdmatt_stages.hdmatt_stages()
    assert {t.name: t.stage for t in types} == hdmatt_stages.STAGES
    assert {t.api for t in types} == {API}
