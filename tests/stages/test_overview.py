"""The overview: means by the literal loop, tiles that equal the whole, what the network says, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hdmatt_stages import Image, Patches, ResNet, Trimap
from hdmatt_stages.evidence import evidence_of, seen_around
from hdmatt_stages.glance import overview_of
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box
from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.regions import downsample_regions
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Target, Window
from hdmatt_core.testing import Given, complete, run_stage, seeded_network, serve, standard_inputs
from hdmatt_core.testing import given as image_given

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([2, 4, 8]), st.integers(0, 99))


def squares(picture: Array, factor: int) -> Array:
    """(h, w, factor^2, ...): the pixels under each reduced one, mirrored beyond the border."""
    ends = [(0, -side % factor) for side in picture.shape[:2]] + [(0, 0)] * (picture.ndim - 2)
    whole = np.pad(picture, ends, mode="reflect")
    height, width = (side // factor for side in whole.shape[:2])
    return np.array(
        [
            [
                whole[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor].reshape(factor**2, -1)
                for x in range(width)
            ]
            for y in range(height)
        ]
    )


@settings(max_examples=30)
@given(sizes)
def test_an_image_is_reduced_to_means(size: tuple[int, int, int, int]) -> None:
    height, width, factor, seed = size
    image = np.random.default_rng(seed).integers(0, 65536, (height, width, 3)).astype(np.uint16)
    made = run_stage(Image(Image.Params(factor=factor)), {"image": image_given(image)})["reduced"]
    assert made.dtype == np.uint16
    assert np.array_equal(made, np.floor(squares(image, factor).mean(axis=2) + 0.5).astype(np.uint16))


@settings(max_examples=30)
@given(sizes)
def test_a_reduced_trimap_knows_what_all_of_its_pixels_are(size: tuple[int, int, int, int]) -> None:
    height, width, factor, seed = size
    coarse = np.random.default_rng(seed).choice(np.array([0, 128, 255], np.uint8), (40, 40), p=(0.45, 0.1, 0.45))
    trimap = coarse.repeat(3, axis=0).repeat(3, axis=1)[:height, :width]
    made = run_stage(Trimap(Trimap.Params(factor=factor)), {"trimap": image_given(trimap)})["reduced"]
    under = squares(trimap, factor)[..., 0]
    alike = (under == under[..., :1]).all(axis=2)
    assert np.array_equal(made, np.where(alike, under[..., 0], 128))


def test_a_part_is_reduced_as_in_the_whole() -> None:
    image = np.random.default_rng(0).integers(0, 256, (301, 407, 3), np.uint8)
    stage, inputs = Image(Image.Params(factor=4)), {"image": image_given(image)}
    box = Box((5, 60), (76, 102))
    part = run_stage(stage, inputs, Target(box))["reduced"]
    assert np.array_equal(part, run_stage(stage, inputs)["reduced"][box.slices])


def test_patches_are_the_networks_without_contexts() -> None:
    inputs = {port: value for port, value in standard_inputs("encoder").items() if port in Patches.inputs}
    stage, specs = Patches(Patches.Params()), {port: value.spec for port, value in inputs.items()}
    made, network, grid = complete(stage, inputs)["patches"], seeded_network(), specs["tiles"].grid
    assert grid is not None
    assert len(made.slots) > 3
    for slot in made.slots:
        target = Target(Box((slot,), (slot + 1,)), (slot,))
        arrays = {port: serve(request, port, inputs, target) for port, request in stage.needs(target, specs).items()}
        with torch.inference_mode():
            told = evidence_of(Block(target, specs, arrays, frozenset()), seen_around(grid, [slot]).start, [slot])
            image, trimap = (serve(Window(grid.box(slot)), port, inputs, target) for port in ("image", "trimap"))
            x = make_input(np.asarray(image)[None], np.asarray(trimap)[None])
            features, skips = network.encoder(x, told)
            regions = torch.from_numpy(downsample_regions(np.asarray(trimap)[None]))
            fused = network.context(features, regions, features, regions, torch.full((1, 1), -1))
            want = network.decoder.around(fused, skips)[0, 0].numpy()
        assert np.allclose(made.array[slot], want, atol=1e-3)


def test_what_is_told_is_interpolated_from_the_whole() -> None:
    alpha = np.random.default_rng(1).uniform(size=(40, 50)).astype(np.float32)
    whole = F.interpolate(torch.from_numpy(alpha)[None, None], scale_factor=4, mode="bilinear")[0, 0]
    origin = (9, 4)
    found = overview_of(alpha[9:32, 4:40], origin, Box((48, 32), (112, 144)), 4)
    assert torch.allclose(found[0, 0], whole[48:112, 32:144], atol=1e-6)


@pytest.mark.parametrize("shape", [(38, 53), (75, 105)])
def test_an_overview_changes_what_is_encoded(shape: tuple[int, int]) -> None:
    inputs = standard_inputs("encoder")
    told = {**inputs, "overview": overview(shape, 1.0)}
    stage = ResNet(ResNet.Params())
    one, two = (complete(stage, each)["features"].array for each in (inputs, told))
    assert (one != two).any()


@pytest.mark.parametrize(
    ("shape", "said"), [((38, 52), "a whole number of times smaller"), ((10, 14), "1/15; make it")]
)
def test_an_overview_that_does_not_fit_is_refused(shape: tuple[int, int], said: str) -> None:
    inputs = {**standard_inputs("encoder"), "overview": overview(shape, 0.0)}
    with pytest.raises(UserError, match=said):
        ResNet(ResNet.Params()).infer({port: value.spec for port, value in inputs.items()})


def test_a_network_that_hears_of_no_colours_makes_no_overview() -> None:
    specs = {port: value.spec for port, value in standard_inputs("encoder").items()}
    with pytest.raises(UserError, match="leave the overview out"):
        Patches(Patches.Params(preset="hdmatt-r34")).infer(specs)


def overview(shape: tuple[int, int], value: float) -> Given:
    return Given(np.full(shape, value, np.float32), ArraySpec(("y", "x"), shape, "float32"))
