"""The context module against literal loops over positions."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from hdmatt_core.nn.presets import Preset
from hdmatt_core.nn.regions import UNKNOWN
from hdmatt_core.nn.tgnl import ORDER, TGNL, _pooled, _pooled_together

TINY = Preset("tiny", 3, (1, 1, 1, 1), (4, 4, 4, 4, 4), (1,), 4, features=6, key=4, value=3, head=16)
INDEX = torch.tensor([[0, 1], [2, -1], [3, 3]])


@pytest.fixture
def context() -> TGNL:
    torch.manual_seed(3)
    return TGNL(TINY)


def scene(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Three queries, four contexts of 3 x 2 positions; context 2 has no foreground, context 3 is all unknown."""
    torch.manual_seed(4)
    query, contexts = torch.randn(3, 9, 3, 2), torch.randn(4, 9, 3, 2)
    regions = torch.tensor([[0, 1, 2, 1, 0, 2], [1, 1, 2, 2, 0, 0], [0, 1, 0, 1, 0, 1], [1] * 6])
    return query.to(dtype), regions[:3].view(3, 3, 2), contexts.to(dtype), regions.view(4, 3, 2), INDEX


def by_hand(
    net: TGNL, scene: tuple[Tensor, ...], row: int, position: int, wanted: tuple[int, ...]
) -> tuple[list[float], bool]:
    """f at one query position: softmax over all positions, of all contexts and the query, whose region is wanted."""
    query, query_regions, contexts, regions, index = scene
    ask, colour = (part[row].flatten(1)[:, position] for part in (net.theta(query), query[:, -3:]))
    weights, values = [], []
    offered = [(contexts[chosen], regions[chosen]) for chosen in index[row].tolist() if chosen >= 0]
    for features, places in [*offered, (query[row], query_regions[row])]:
        keys, value = (head(features[None])[0].flatten(1) for head in (net.phi, net.gamma))
        tints = features[-3:].flatten(1)
        for place, region in enumerate(places.flatten().tolist()):
            if region in wanted:
                cosine = torch.cosine_similarity(ask, keys[:, place], dim=0)
                far = (colour - tints[:, place]).square().sum()
                weights.append(math.exp(float(net.likeness * cosine - net.nearness * far)))
                values.append(torch.cat([value[:, place], tints[:, place], torch.ones(1)]))
    if not weights:
        return [0.0] * (net.gamma.out_channels + 4), True
    total = sum(weights)
    return (sum(w / total * v for w, v in zip(weights, values, strict=True))).tolist(), False


@pytest.mark.parametrize("mode", ["guided", "blind"])
@torch.no_grad()
def test_attention_equals_a_literal_loop(context: TGNL, mode: str) -> None:
    given = scene()
    out = (context if mode == "guided" else context.blind)(*given)
    assert out.shape == (3, 6 + 3 * 7, 3, 2)
    assert torch.allclose(out[:, :6], context.delta(given[0]))
    found, empty = out[:, 6:].unflatten(1, (3, 7)).flatten(3), 0
    for row in range(3):
        for position, own in enumerate(given[1][row].flatten().tolist()):
            for slot, region in enumerate(ORDER):
                value, nothing = by_hand(context, given, row, position, (region,) if mode == "guided" else (0, 1, 2))
                empty += nothing
                want = torch.tensor(value)
                want[:3] *= own == UNKNOWN  # learned values for unknown positions, colours for all
                assert torch.allclose(found[row, slot, :, position], want, atol=1e-5)
    assert (empty > 0) == (mode == "guided")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_an_empty_region_is_zero_and_never_nan(context: TGNL, dtype: torch.dtype) -> None:
    query, query_regions, contexts, regions, index = scene(dtype)
    query, contexts = query.mul(30).requires_grad_(), contexts.mul(30).requires_grad_()
    net, unknown = context.to(dtype), torch.ones_like(query_regions)
    out = net(query, unknown, contexts, regions, torch.full_like(index, -1))
    assert out[:, 6:13].any(dim=1).all()  # its own unknown positions
    assert not out[:, 13:].any()
    (out.sum() + net(query, query_regions, contexts, regions, index).sum()).backward()
    for value in (out, query.grad, contexts.grad, net.phi.weight.grad, net.theta.weight.grad):
        assert value is not None
        assert torch.isfinite(value).all()


@torch.no_grad()
def test_attention_looks_at_nothing_but_its_region(context: TGNL) -> None:
    query, query_regions, contexts, regions, index = scene()
    query_regions = query_regions.clamp_max(UNKNOWN)
    changed = torch.where((regions == 2).unsqueeze(1), torch.randn_like(contexts), contexts)
    before, after = (context(query, query_regions, c, regions, index)[:, 6:] for c in (contexts, changed))
    same = before == after
    assert same[:, :7].all()
    assert same[:, 14:].all()
    assert not same[0, 7:14].all()


@torch.no_grad()
def test_descriptors_dot_to_the_papers_double_sum(context: TGNL) -> None:
    query, query_regions, contexts, regions, _ = scene()
    vectors, others = context.descriptors(query, query_regions)[0], context.descriptors(contexts, regions)[1]
    assert vectors.dtype == others.dtype == torch.float32
    asked, keys = (F.normalize(part, dim=1).flatten(2) for part in (context.theta(query), context.phi(contexts)))
    for row in range(3):
        places = (query_regions[row].flatten() == UNKNOWN).nonzero().flatten()
        for other in range(4):
            total = 0.0
            for region in (0, 2):
                offered = (regions[other].flatten() == region).nonzero().flatten()
                pairs = [(place, place2) for place in places for place2 in offered]
                products = [float(asked[row, :, place] @ keys[other, :, place2]) for place, place2 in pairs]
                total += sum(products) / max(len(pairs), 1) / 2
            want = float(context.likeness) * total
            assert float(vectors[row] @ others[other]) == pytest.approx(want, rel=1e-4, abs=1e-6)


@torch.no_grad()
def test_attention_is_what_the_values_are_pooled_with(context: TGNL) -> None:
    given = scene()
    query, query_regions, contexts, _, index = given
    weights = context.attention(*given)
    assert weights.shape == (3, 3, 6, 3, 6)
    rows, own = (context.gamma(part).flatten(2).transpose(1, 2) for part in (contexts, query))
    values = torch.cat([rows[index.clamp_min(0)].flatten(1, 2), own], dim=1)
    pooled = (weights.flatten(3) @ values.unsqueeze(1)).transpose(2, 3)
    expected = context(*given)[:, 6:].unflatten(1, (3, 7))[:, :, :3].flatten(3)
    unknown = (query_regions == UNKNOWN).flatten(1)[:, None, None]
    assert torch.allclose(pooled * unknown, expected, atol=1e-5)
    sums = weights.sum(dim=(3, 4))
    assert torch.allclose(sums[0], torch.ones(3, 6))
    assert (sums[2, 1] == 0).all()  # neither its context nor itself has foreground
    everywhere = context.attention(*given, blind=True).sum(dim=4)
    assert torch.allclose(everywhere.sum(dim=3), torch.ones(3, 1, 6))
    assert (everywhere[1, 0, :, 1] == 0).all()  # it has no second context


@torch.no_grad()
def test_the_choice_learns_from_the_attention_to_known_positions(context: TGNL) -> None:
    _, _, contexts, regions, _ = scene()
    scores, share = context.choice(contexts, regions)
    assert torch.allclose(scores.exp().sum(dim=1), torch.ones(4))
    assert torch.allclose(share.sum(dim=1), torch.ones(4))
    assert (share[:, 3] == 0).all()  # it knows nothing
    assert not scores.exp().diagonal().any()
    assert not share.diagonal().any()


def test_an_accelerator_pools_all_queries_together_and_finds_the_same() -> None:
    torch.manual_seed(5)
    asked, offered, values = torch.randn(4, 6, 3), torch.randn(4, 10, 3), torch.randn(4, 10, 2)
    mask = torch.rand(4, 10) < torch.tensor([0.0, 0.2, 0.6, 1.0])[:, None]
    found = _pooled_together(asked @ offered.transpose(1, 2), values, mask)
    alone = torch.stack(list(map(_pooled, asked, offered, values, mask)))
    torch.testing.assert_close(found, alone)
    assert found[0].abs().sum() == 0
