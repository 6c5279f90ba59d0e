"""encoder, aggregator and decoder: the chain against the network called directly, and what each leaves out."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hdmatt_stages import (
    AllPatches,
    Far,
    GridTiler,
    Known,
    NoContext,
    NonLocal,
    Palette,
    Ramp,
    ResNet,
    TopK,
    TrimapGuided,
    Unpool,
)
from hdmatt_stages.anywhere import far_around, likely_cells, palette_of

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.kinds import Aggregator, Sampler, TileState
from hdmatt_core.nn.evidence import Evidence, known_cells, near_lines, planes_of, whole_evidence
from hdmatt_core.nn.finish import finished
from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.palette import looked_up
from hdmatt_core.nn.presets import EVIDENCE_CELL, EVIDENCE_HALO, EVIDENCE_MARGIN
from hdmatt_core.nn.skips import pack_skips, unpack_skips
from hdmatt_core.nn.solved import coarse_lines, pinned, refined
from hdmatt_core.stage import Context, Gather, Target, TileRows, Window
from hdmatt_core.testing import FakeContext, Given, complete, run_stage, scene, seeded_network, serve, standard_inputs
from hdmatt_core.testing import given as image_given

PATCH = 64


def chain(
    sampler: Sampler, aggregator: Aggregator, context: Context | None = None, apart: bool = False
) -> dict[str, dict[str, Given]]:
    """The whole pipeline in memory on one scene of 100 x 130 px; `apart`: colours are seen within each patch alone."""
    made = scene(100, 130, seed=4)
    pictures = {"image": image_given(made.image), "trimap": image_given(made.trimap)}
    tiles = complete(GridTiler(GridTiler.Params(patch=PATCH, overlap=16, side=2)), pictures)
    table = {"tiles": tiles["tiles"]}
    pool = table | complete(AllPatches(AllPatches.Params()), table)
    colours = {} if apart else colours_of(table | pictures)
    encoder = ResNet(ResNet.Params(evidence="patch" if apart else "picture"))
    encode = complete(encoder, pool | pictures | colours, context)
    pick = complete(sampler, pool | {"query": encode["query_vector"], "context": encode["context_vector"]}, context)
    fuse = complete(aggregator, {"features": encode["features"], "regions": tiles["regions"], **pick}, context)
    decode = complete(Unpool(Unpool.Params()), {"features": fuse["fused"], "skips": encode["skips"]}, context)
    blend = complete(Ramp(Ramp.Params()), {**decode, **table, "trimap": pictures["trimap"]})
    return {
        "pictures": pictures,
        "tiles": tiles,
        "colours": colours,
        "encode": encode,
        "pick": pick,
        "decode": decode,
        "blend": blend,
    }


def colours_of(inputs: dict[str, Given]) -> dict[str, Given]:
    """``far`` and ``palette`` of a picture and its table of tiles."""
    known = complete(Known(Known.Params()), inputs)
    far = complete(Far(Far.Params()), {"means": known["means"]})
    return far | complete(Palette(Palette.Params()), {"counts": known["counts"]})


def direct(made: dict[str, dict[str, Given]], slot: int, *, blind: bool = False) -> np.ndarray[Any, Any]:
    """The matte of one query by calling the network, with the contexts that the chain chose."""
    network, grid = seeded_network(), made["tiles"]["tiles"].spec.grid
    assert grid is not None
    choice = [int(c) for c in made["pick"]["choice"].array[slot] if c >= 0]
    boxes = [grid.box(s) for s in [slot, *choice]]
    cut = {
        port: np.stack([serve(Window(b), port, made["pictures"], Target(b)) for b in boxes])  # type: ignore[arg-type]
        for port in ("image", "trimap")
    }
    regions = torch.from_numpy(made["tiles"]["regions"].array[[slot, *choice]])
    with torch.inference_mode():
        seen = Evidence(*map(torch.cat, zip(*(evidence(made, one) for one in (slot, *choice)), strict=True)))
        features, skips = network.encoder(make_input(cut["image"], cut["trimap"]), seen)
        features = features.half().float()
        attend = network.context.blind if blind else network.context
        index = torch.arange(len(choice)).reshape(1, -1)
        fused = attend(features[:1], regions[:1], features[1:], regions[1:], index)
        own = type(skips)(*(part[:1] for part in skips))
        packed = unpack_skips(pack_skips(own), network.preset, PATCH)
        return finished(packed.x, network.decoder.around(fused, packed))[0, 0].numpy()


def evidence(made: dict[str, dict[str, Given]], slot: int) -> Evidence:
    """The evidence of a patch, seen with its block of the grid and what is around; without colours, seen alone."""
    grid = made["tiles"]["tiles"].spec.grid
    assert grid is not None
    if not made["colours"]:
        box = grid.box(slot)
        sides = (serve(Window(box), port, made["pictures"], Target(box)) for port in ("image", "trimap"))
        return whole_evidence(make_input(*(np.asarray(side)[None] for side in sides)))
    first = slot // grid.block * grid.block
    wide = Box.bounding([grid.box(one) for one in grid.present(first, first + grid.block)]).grown(EVIDENCE_HALO)
    image, trimap = (
        np.asarray(serve(Window(wide), port, made["pictures"], Target(wide)))[None] for port in ("image", "trimap")
    )
    x = make_input(image, trimap)
    cells = known_cells(x)
    far, palette = (made["colours"][port] for port in ("far", "palette"))
    near = near_lines(cells, far_around(TileRows(tuple(range(grid.slots)), far.array), grid, wide))
    told = likely_cells(palette.array, (0, 0), grid, wide, cells[:, -3:])
    y, left = (a - b for a, b in zip(grid.box(slot).start, wide.start, strict=True))

    def around(planes: torch.Tensor, margin: int, cell: int, beyond: int = 0) -> torch.Tensor:
        rows, columns = (
            slice((at - margin) // cell - beyond, (at + PATCH + margin) // cell + beyond) for at in (y, left)
        )
        return planes[:, :, rows, columns]

    coarse = around(coarse_lines(cells, near, told), EVIDENCE_MARGIN, EVIDENCE_CELL, 1)
    solved = refined(around(x, EVIDENCE_MARGIN, 1), coarse, EVIDENCE_MARGIN)
    alike = pinned(around(x, 0, 1), looked_up(palette_of(palette.array, (0, 0), grid, slot), around(x, 0, 1)))
    return Evidence(around(near, 0, EVIDENCE_CELL, 1), planes_of(solved, alike))


@pytest.mark.parametrize(
    ("aggregator", "blind", "apart"),
    [(TrimapGuided, False, False), (NonLocal, True, False), (TrimapGuided, False, True)],
)
def test_the_chain_is_the_network(aggregator: type[Aggregator], blind: bool, apart: bool) -> None:
    made = chain(TopK(TopK.Params(k=2)), aggregator(aggregator.Params()), apart=apart)
    queries = made["decode"]["patches"].slots
    assert len(queries) > 3
    for slot in queries:
        want = direct(made, slot, blind=blind)
        apart = np.abs(made["decode"]["patches"].array[slot] - want)
        # Evidence is kept in bytes: seen through another window its last bits may round it to the next one, of which
        # the last touch makes more where two colours decide.
        assert apart.max() < 0.02
        assert apart.mean() < 1e-4
    alpha = made["blend"]["alpha"].array
    assert alpha.shape == (100, 130)
    assert ((alpha >= 0) & (alpha <= 1)).all()


def test_without_context_only_the_query_counts() -> None:
    alone = chain(NoContext(NoContext.Params()), TrimapGuided(TrimapGuided.Params()))
    helped = chain(TopK(TopK.Params(k=2)), TrimapGuided(TrimapGuided.Params()))
    assert np.isfinite(alone["decode"]["patches"].array).all()
    assert not np.array_equal(alone["decode"]["patches"].array, helped["decode"]["patches"].array)


@pytest.mark.parametrize("k", [1, 3])
def test_the_number_of_patches_in_a_pass_does_not_show(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {}
    for size in (1, 2, 5):
        monkeypatch.setattr("hdmatt_stages.batches.CPU", size)
        made[size] = chain(TopK(TopK.Params(k=k)), TrimapGuided(TrimapGuided.Params()))["blend"]["alpha"].array
    np.testing.assert_array_equal(made[1], made[2])
    np.testing.assert_array_equal(made[1], made[5])


@dataclass(frozen=True)
class HalfContext(FakeContext):
    """A context whose network is of bfloat16."""

    dtype: str = "bfloat16"

    def network(self) -> Any:
        return copy.deepcopy(seeded_network()).to(torch.bfloat16)


def test_bfloat16_is_near_float32() -> None:
    half = chain(NoContext(NoContext.Params()), TrimapGuided(TrimapGuided.Params()), HalfContext())
    full = chain(NoContext(NoContext.Params()), TrimapGuided(TrimapGuided.Params()))
    error = np.abs(half["blend"]["alpha"].array - full["blend"]["alpha"].array)
    assert 0 < error.mean() < 0.02


def encoded(**replaced: Given) -> dict[str, Any]:
    return run_stage(ResNet(ResNet.Params()), standard_inputs("encoder") | replaced)


def test_only_queries_have_a_query_vector_and_skips() -> None:
    inputs = standard_inputs("encoder")
    queries = inputs["tiles"].array[list(inputs["tiles"].slots), 2] == TileState.QUERY
    made = encoded()
    assert 0 < queries.sum() < len(queries)
    for port in ("query_vector", "skips"):
        assert made[port][queries].any(axis=1).all()
        assert not made[port][~queries].any()
    for port in ("features", "context_vector"):
        assert made[port].reshape(len(queries), -1).any(axis=1).all()


def test_skips_alone_encode_the_queries_alone() -> None:
    inputs, network, seen = standard_inputs("encoder"), seeded_network(), []
    hook = network.encoder.register_forward_hook(lambda module, args, out: seen.append(len(args[0])))
    try:
        run_stage(ResNet(ResNet.Params()), inputs, wanted=["skips"])
    finally:
        hook.remove()
    assert sum(seen) == (inputs["tiles"].array[:, 2] == TileState.QUERY).sum()


def test_sixteen_bits_are_not_reduced_to_eight() -> None:
    image = standard_inputs("encoder")["image"].array
    deep = image.astype(np.uint16) * 257
    np.testing.assert_allclose(encoded(image=image_given(deep))["features"], encoded()["features"], atol=1e-2)
    finer = deep + np.uint16(100) * (deep < 60000)
    assert not np.array_equal(encoded(image=image_given(finer))["features"], encoded()["features"])


@pytest.mark.parametrize(("preset", "channels", "key"), [("hdmatt-s", 131, 64), ("hdmatt-r34", 259, 128)])
def test_the_preset_says_the_channels(preset: str, channels: int, key: int) -> None:
    stage = ResNet(ResNet.Params(preset=preset))
    specs = stage.infer({port: source.spec for port, source in standard_inputs("encoder").items()})
    assert stage.preset == preset
    assert specs["features"].channels == channels
    assert specs["query_vector"].channels == specs["context_vector"].channels == key


def test_an_unknown_preset_is_told() -> None:
    with pytest.raises(UserError, match="there is no network preset 'hdmatt-x'; did you mean 'hdmatt-s'"):
        ResNet(ResNet.Params(preset="hdmatt-x")).infer(
            {port: source.spec for port, source in standard_inputs("encoder").items()}
        )


def test_features_of_no_preset_are_told() -> None:
    specs = {port: source.spec for port, source in standard_inputs("aggregator").items()}
    odd = dataclasses.replace(specs["features"], shape=(*specs["features"].shape[:3], 7))
    with pytest.raises(UserError, match="no network has 7 feature channels"):
        TrimapGuided(TrimapGuided.Params()).infer(specs | {"features": odd})


def test_skips_of_another_encoder_are_told() -> None:
    specs = {port: source.spec for port, source in standard_inputs("decoder").items()}
    odd = dataclasses.replace(specs["skips"], shape=(specs["skips"].shape[0], 11))
    with pytest.raises(UserError, match="skips of 11 bytes do not belong to features of hdmatt-s at 64 px"):
        Unpool(Unpool.Params()).infer(specs | {"skips": odd})


def test_the_aggregator_gathers_by_the_choice() -> None:
    inputs = standard_inputs("aggregator")
    stage = TrimapGuided(TrimapGuided.Params())
    needs = stage.needs(Target(None, ()), {port: source.spec for port, source in inputs.items()})  # type: ignore[arg-type]
    assert needs["features"] == needs["regions"] == Gather("choice")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_an_accelerator_gives_nearly_the_same_matte() -> None:
    made = chain(TopK(TopK.Params(k=2)), TrimapGuided(TrimapGuided.Params()), CudaContext())["blend"]["alpha"].array
    again = chain(TopK(TopK.Params(k=2)), TrimapGuided(TrimapGuided.Params()), CudaContext())["blend"]["alpha"].array
    host = chain(TopK(TopK.Params(k=2)), TrimapGuided(TrimapGuided.Params()))["blend"]["alpha"].array
    np.testing.assert_array_equal(made, again)
    np.testing.assert_allclose(made, host, atol=2e-2)


@dataclass(frozen=True)
class CudaContext(FakeContext):
    """A context whose network is on a CUDA device."""

    device: str = "cuda"

    def network(self) -> Any:
        return copy.deepcopy(seeded_network()).to("cuda")


def test_patches_that_do_not_share_cells_are_refused() -> None:
    made = scene(100, 130, seed=4)
    pictures = {"image": image_given(made.image), "trimap": image_given(made.trimap)}
    tiles = complete(GridTiler(GridTiler.Params(patch=PATCH, overlap=10, side=2)), pictures)
    specs = {"tiles": tiles["tiles"].spec, "image": pictures["image"].spec, "trimap": pictures["trimap"].spec}
    with pytest.raises(UserError, match=r"54 px apart do not share the cells .* overlap a multiple of 8"):
        ResNet(ResNet.Params()).infer(specs)
