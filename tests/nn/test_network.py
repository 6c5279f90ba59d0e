"""The network whole: shapes, presets, bits, precision and a golden matte."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hdmatt_core.errors import UserError
from hdmatt_core.nn.encoder import Encoder
from hdmatt_core.nn.evidence import Evidence
from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.network import HDMatt, others
from hdmatt_core.nn.presets import PRESETS, find_preset
from hdmatt_core.nn.pretrained import load_torchvision_resnet34
from hdmatt_core.nn.regions import downsample_regions
from hdmatt_core.nn.resnet import Trunk
from hdmatt_core.nn.skips import cast
from hdmatt_core.nn.weights import load

GOLDEN = Path(__file__).parent / "golden" / "hdmatt-s-seed0.npz"
Patches = Callable[..., tuple[torch.Tensor, torch.Tensor]]


@pytest.mark.parametrize("name", PRESETS)
@torch.no_grad()
def test_shapes_of_every_preset(name: str, patches: Patches) -> None:
    model = HDMatt(name).eval()
    x, regions = patches(2, 32)
    features, skips = model.encoder(x)
    fused = model.context(features, regions, features, regions, others(2))
    assert features.shape == (2, model.preset.encoded, 2, 2)
    assert fused.shape == (2, model.preset.fused, 2, 2)
    alpha = model.decoder(fused, skips)
    assert alpha.shape == (2, 1, 32, 32)
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_the_small_preset_is_small() -> None:
    assert sum(p.numel() for p in HDMatt("hdmatt-s").parameters()) < 4_000_000


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'hdmatt-r34'"):
        find_preset("hdmatt-r43")


def test_an_odd_patch_is_refused(model: HDMatt) -> None:
    with pytest.raises(UserError, match="multiples of 16"):
        model.encoder(torch.zeros(1, 6, 40, 32))


def test_others_lists_every_row_but_ones_own() -> None:
    assert others(3).tolist() == [[1, 2], [0, 2], [0, 1]]


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_batch_and_position_do_not_change_bits(model: HDMatt, patches: Patches, dtype: torch.dtype) -> None:
    """Holds for the shipped patch of 320 px; below 288 px torch picks another convolution for a batch of one."""
    x, regions = patches(3, 320)
    model, x = copy.deepcopy(model).to(dtype), x.to(dtype)
    index = others(3)
    features, skips = model.encoder(x)
    vectors = model.context.descriptors(features, regions)
    fused = model.context(features, regions, features, regions, index)
    alpha = model.decoder(fused, skips)
    for rows in (slice(0, 1), slice(2, 3), slice(1, 3)):
        again, own = model.encoder(x[rows])
        assert torch.equal(again, features[rows])
        for one, all_rows in zip(model.context.descriptors(again, regions[rows]), vectors, strict=True):
            assert torch.equal(one, all_rows[rows])
        joined = model.context(again, regions[rows], features, regions, index[rows])
        assert torch.equal(joined, fused[rows])
        assert torch.equal(model.decoder(joined, own), alpha[rows])


@torch.no_grad()
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("corner", [(0, 0, 1, 1), (21, 34, 49, 75), (95, 90, 96, 96), (0, 0, 96, 96), (40, 0, 41, 96)])
def test_around_what_is_unknown_the_decoder_says_what_it_says_of_all(name: str, corner: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    model = HDMatt(name).eval()
    top, left, bottom, right = corner
    rng = np.random.default_rng(3)
    trimap = np.where(rng.random((3, 96, 96)) < 0.5, 255, 0).astype(np.uint8)
    trimap[:2, top:bottom, left:right] = 128
    x = make_input(rng.integers(0, 256, (3, 96, 96, 3)).astype(np.uint8), trimap)
    regions = torch.from_numpy(downsample_regions(trimap))
    features, skips = model.encoder(x)
    fused = model.context(features, regions, features, regions, others(3))
    want, found = model.decoder(fused, skips), model.decoder.around(fused, skips)
    unknown = x[:, 4:5] > 0
    assert unknown.flatten(1).any(dim=1).tolist() == [True, True, False]
    assert (found - want)[unknown].abs().max() < 5e-5  # 1.1e-5 where vectors are AVX2's
    assert torch.equal(found[2], x[2, 5:])  # nothing unknown: the trimap


@torch.no_grad()
def test_around_what_is_unknown_batch_and_position_do_not_change_bits(model: HDMatt, patches: Patches) -> None:
    x, regions = patches(3, 320)
    features, skips = model.encoder(x)
    fused = model.context(features, regions, features, regions, others(3))
    alpha = model.decoder.around(fused, skips)
    for rows in (slice(0, 1), slice(2, 3), slice(1, 3)):
        own = type(skips)(*(part[rows] for part in skips))
        assert torch.equal(model.decoder.around(fused[rows], own), alpha[rows])


@torch.no_grad()
def test_bfloat16_stays_near_float32(patches: Patches) -> None:
    model = load("hdmatt-s")
    x, regions = patches(4, 160)
    full = model(x, regions).clamp(0, 1)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model(x, regions).clamp(0, 1).float()
    half = model.to(torch.bfloat16)(x.bfloat16(), regions).clamp(0, 1).float()
    unknown = x[:, 4:5] > 0
    for found in (mixed, half):
        error = (found - full).abs()[unknown]
        assert torch.isfinite(found).all()
        assert error.mean() < 0.015
        assert error.quantile(0.99) < 0.15


@torch.no_grad()
def test_a_bfloat16_decoder_takes_cast_skips(patches: Patches) -> None:
    model = HDMatt("hdmatt-s").eval()
    x, regions = patches(2, 32)
    features, skips = model.encoder(x)
    fused = model.context(features, regions, features, regions, others(2))
    alpha = model.to(torch.bfloat16).decoder(fused.bfloat16(), cast(skips, torch.bfloat16))
    assert alpha.dtype == torch.bfloat16


@torch.no_grad()
def test_a_seeded_network_gives_the_golden_matte(patches: Patches) -> None:
    """Guards names, order and arithmetic; save `golden_matte` again when the network is meant to change."""
    with np.load(GOLDEN) as golden:
        spread = float(golden["alpha"].std())
        assert np.allclose(golden_matte(patches), golden["alpha"], atol=2e-3 * spread)


def golden_matte(patches: Patches) -> np.ndarray:
    """Unclamped alpha of two patches by a network whose weights are a formula, free of random numbers."""
    model = HDMatt("hdmatt-s").eval()
    for number, value in enumerate(model.parameters()):
        wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 1.7 + number).view(value.shape)
        value.copy_(1 + 0.1 * wave if value.ndim < 2 else wave * (1.5 / value[0].numel()) ** 0.5)
    x, regions = patches(2, 64, seed=5)
    # Where colour is flat, which of several equal pixels is the largest would be a matter of the processor's rounding.
    grain = torch.sin(torch.arange(x[:, :3].numel(), dtype=torch.float64) ** 2 * 0.37).view(x[:, :3].shape)
    x[:, :3] += 0.3 * grain
    return model(x, regions)[:, 0, ::4, ::4].numpy()


@torch.no_grad()
def test_folding_changes_rounding_alone(patches: Patches) -> None:
    x = patches(3, 96)[0].double()
    want, found = load("hdmatt-s").double(), load("hdmatt-s").folded().double()
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in found.modules())
    features, again = want.encoder(x)[0], found.encoder(x)[0]
    assert (features - again).abs().max() < 1e-5 * features.abs().max()


def test_every_parameter_learns(patches: Patches) -> None:
    model = HDMatt("hdmatt-s").train()
    x, regions = patches(4, 64)
    model(x, regions).square().mean().backward()
    idle = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert not idle


def resnet34_state() -> dict[str, torch.Tensor]:
    state = {name: torch.randn_like(v) for name, v in Trunk(PRESETS["hdmatt-r34"]).state_dict().items() if v.ndim}
    state["conv1.weight"] = state["conv1.weight"][:, :3].clone()
    return state | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}


def test_a_torchvision_resnet34_fits() -> None:
    encoder, state = Encoder(PRESETS["hdmatt-r34"]), resnet34_state()
    assert "layer4.2.bn2.running_var" in state
    assert "layer2.0.downsample.0.weight" in state
    load_torchvision_resnet34(encoder, state)
    assert torch.equal(encoder.trunk.conv1.weight[:, :3], state["conv1.weight"])
    assert not encoder.trunk.conv1.weight[:, 3:].any()
    assert torch.equal(encoder.trunk.state_dict()["layer4.2.bn2.weight"], state["layer4.2.bn2.weight"])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s.pop("layer3.5.conv2.weight"), "lacks layer3.5.conv2.weight"),
        (lambda s: s.update({"layer5.0.conv1.weight": torch.zeros(1)}), "surplus layer5.0.conv1.weight"),
        (lambda s: s.update({"bn1.weight": torch.zeros(32)}), "another shape for bn1.weight"),
    ],
)
def test_another_resnet_is_refused(change: Callable[[dict[str, torch.Tensor]], object], word: str) -> None:
    state = resnet34_state()
    change(state)
    with pytest.raises(UserError, match=word):
        load_torchvision_resnet34(Encoder(PRESETS["hdmatt-r34"]), state)


@torch.no_grad()
def test_known_patches_need_neither_lines_nor_skips(model: HDMatt, patches: Patches) -> None:
    x, _ = patches(2, 96)
    x[:, 3] += x[:, 4]
    x[:, 4] = 0
    assert torch.equal(model.encoder.known(x), model.encoder(x)[0])


@torch.no_grad()
def test_the_papers_network_hears_nothing_of_colour_evidence(patches: Patches) -> None:
    x, _ = patches(1, 64)
    encoder = Encoder(PRESETS["hdmatt-r34"]).eval()
    assert encoder.trunk.conv1.in_channels == 6
    features, skips = encoder(x)
    assert not skips.lines.any()
    told = Evidence(torch.randn_like(skips.lines), torch.rand_like(skips.planes))
    assert torch.equal(encoder(x, told)[0], features)
