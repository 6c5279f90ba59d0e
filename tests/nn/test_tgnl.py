"""The context module against literal loops over positions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from hdmatt_core.nn.presets import Preset
from hdmatt_core.nn.regions import UNKNOWN
from hdmatt_core.nn.tgnl import ORDER, TGNL

TINY = Preset("tiny", 3, (1, 1, 1, 1), (4, 4, 4, 4, 4), (1,), 4, features=6, key=4, value=3, head=16)
INDEX = torch.tensor([[0, 1], [2, -1], [3, 3]])


@pytest.fixture
def context() -> TGNL:
    torch.manual_seed(3)
    return TGNL(TINY)


def scene(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Three queries, four contexts of 3 x 2 positions; context 2 has no foreground, context 3 is all unknown."""
    torch.manual_seed(4)
    query, contexts = torch.randn(3, 6, 3, 2), torch.randn(4, 6, 3, 2)
    regions = torch.tensor([[0, 1, 2, 1, 0, 2], [1, 1, 2, 2, 0, 0], [0, 1, 0, 1, 0, 1], [1] * 6])
    return query.to(dtype), regions[:3].view(3, 3, 2), contexts.to(dtype), regions.view(4, 3, 2), INDEX


def by_hand(
    net: TGNL, scene: tuple[Tensor, ...], row: int, position: int, wanted: tuple[int, ...]
) -> tuple[list[float], bool]:
    """f at one query position: softmax over all positions, of all contexts, whose region is wanted."""
    query, _, contexts, regions, index = scene
    ask = net.theta(query)[row].flatten(1)[:, position]
    weights, values = [], []
    for chosen in index[row].tolist():
        if chosen < 0:
            continue
        keys, value = (head(contexts)[chosen].flatten(1) for head in (net.phi, net.gamma))
        for place, region in enumerate(regions[chosen].flatten().tolist()):
            if region in wanted:
                weights.append(math.exp(float(ask @ keys[:, place]) / math.sqrt(len(ask))))
                values.append(value[:, place])
    if not weights:
        return [0.0] * net.gamma.out_channels, True
    total = sum(weights)
    return (sum(w / total * v for w, v in zip(weights, values, strict=True))).tolist(), False


@pytest.mark.parametrize("mode", ["guided", "blind"])
@torch.no_grad()
def test_attention_equals_a_literal_loop(context: TGNL, mode: str) -> None:
    given = scene()
    out = (context if mode == "guided" else context.blind)(*given)
    assert out.shape == (3, 6 + 3 * 3, 3, 2)
    assert torch.allclose(out[:, :6], context.delta(given[0]))
    found, empty = out[:, 6:].unflatten(1, (3, 3)).flatten(3), 0
    for row in range(3):
        for position, own in enumerate(given[1][row].flatten().tolist()):
            for slot, region in enumerate(ORDER):
                value, nothing = by_hand(context, given, row, position, (region,) if mode == "guided" else (0, 1, 2))
                empty += nothing
                want = torch.tensor(value) * (own == UNKNOWN)
                assert torch.allclose(found[row, slot, :, position], want, atol=1e-6)
    assert (empty > 0) == (mode == "guided")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_an_empty_region_is_zero_and_never_nan(context: TGNL, dtype: torch.dtype) -> None:
    query, query_regions, contexts, regions, index = scene(dtype)
    query, contexts = query.mul(30).requires_grad_(), contexts.mul(30).requires_grad_()
    net = context.to(dtype)
    out = net(query, query_regions, contexts, regions, torch.full_like(index, -1))
    assert not out[:, 6:].any()
    (out.sum() + net(query, query_regions, contexts, regions, index).sum()).backward()
    for value in (out, query.grad, contexts.grad, net.phi.weight.grad, net.theta.weight.grad):
        assert value is not None
        assert torch.isfinite(value).all()


@torch.no_grad()
def test_attention_looks_at_nothing_but_its_region(context: TGNL) -> None:
    query, query_regions, contexts, regions, index = scene()
    changed = torch.where((regions == 2).unsqueeze(1), torch.randn_like(contexts), contexts)
    before, after = (context(query, query_regions, c, regions, index)[:, 6:] for c in (contexts, changed))
    same = before == after
    assert same[:, :3].all()
    assert same[:, 6:].all()
    assert not same[0, 3:6].all()


@torch.no_grad()
def test_descriptors_dot_to_the_papers_double_sum(context: TGNL) -> None:
    query, query_regions, contexts, regions, _ = scene()
    vectors, others = context.descriptors(query, query_regions)[0], context.descriptors(contexts, regions)[1]
    assert vectors.dtype == others.dtype == torch.float32
    asked, keys = context.theta(query).flatten(2), context.phi(contexts).flatten(2)
    for row in range(3):
        for other in range(4):
            total = 0.0
            for place, region in enumerate(query_regions[row].flatten().tolist()):
                for place2 in range(6):
                    if region == UNKNOWN:
                        total += float(asked[row, :, place] @ keys[other, :, place2])
            assert float(vectors[row] @ others[other]) == pytest.approx(total / 36, rel=1e-4, abs=1e-6)


@torch.no_grad()
def test_attention_is_what_the_values_are_pooled_with(context: TGNL) -> None:
    query, query_regions, contexts, regions, index = scene()
    weights = context.attention(query, contexts, regions, index)
    assert weights.shape == (3, 3, 6, 2, 6)
    values = context.gamma(contexts).flatten(2).transpose(1, 2)[index.clamp_min(0)].flatten(1, 2)
    pooled = (weights.flatten(3) @ values.unsqueeze(1)).transpose(2, 3).flatten(1, 2)
    expected = context(query, query_regions, contexts, regions, index)[:, 6:].flatten(2)
    unknown = (query_regions == UNKNOWN).flatten(1).unsqueeze(1)
    assert torch.allclose(pooled * unknown, expected, atol=1e-6)
    sums = weights.sum(dim=(3, 4))
    assert torch.allclose(sums[0], torch.ones(3, 6))
    assert (sums[1, 1] == 0).all()  # its one context has no foreground
    assert (sums[2, 1:] == 0).all()  # and this one nothing known
    everywhere = context.attention(query, contexts, regions, index, blind=True).sum(dim=4)
    assert torch.allclose(everywhere.sum(dim=3), torch.ones(3, 1, 6))
    assert (everywhere[1, 0, :, 1] == 0).all()  # it has no second context
