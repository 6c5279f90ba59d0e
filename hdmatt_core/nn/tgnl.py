"""Cross-patch context: the heads theta, phi, delta, gamma and the trimap-guided non-local operation (method: TGNL)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hdmatt_core.nn.presets import COLOURS, Preset
from hdmatt_core.nn.regions import BACKGROUND, FOREGROUND, UNKNOWN

ORDER = (UNKNOWN, FOREGROUND, BACKGROUND)
_LOWEST = -1e30
_NONE = 255


class TGNL(nn.Module):
    """Attend from a query patch to the positions of its context patches, region by region.

    Open in the paper and decided here: a logit is a scaled cosine of theta and phi minus a scaled squared distance of
    mean colours, both scales learned; one softmax runs over the positions of all K contexts and of the query's own
    patch; region masks are hard; values are gamma(E), the mean colour, and 1; the query's own features, through delta,
    are concatenated.
    """

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.theta = nn.Conv2d(preset.encoded, preset.key, 1)
        self.phi = nn.Conv2d(preset.encoded, preset.key, 1)
        self.delta = nn.Conv2d(preset.encoded, preset.features, 1)
        self.gamma = nn.Conv2d(preset.encoded, preset.value, 1)
        self.likeness = nn.Parameter(torch.tensor(5.0))
        self.nearness = nn.Parameter(torch.tensor(5.0))

    def descriptors(self, features: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the query and context vectors (B, Ck), float32, of features (B, C, h, w), regions (B, h, w).

        The mean of theta(E) over unknown positions; the mean of phi(E) over foreground and over background positions,
        halved and added, so that a patch of one region alone counts half. Both are of unit length at every position.
        The dot product of two such vectors is the paper's double sum over positions, with these weights.
        """
        masks = {region: (regions == region).unsqueeze(1) for region in ORDER}
        query, context = _unit(self.theta(features)), _unit(self.phi(features))
        known = _mean(context, masks[FOREGROUND]) + _mean(context, masks[BACKGROUND])
        return self.likeness * _mean(query, masks[UNKNOWN]), known / 2

    def forward(
        self, query: Tensor, query_regions: Tensor, context: Tensor, context_regions: Tensor, index: Tensor
    ) -> Tensor:
        """Return (B, C + 3 (Cv + 4), h, w): delta(query), f_U, f_F, f_B; Cv channels are zero where the query is known.

        `query` (B, C + 3, h, w), `query_regions` (B, h, w), `context` (M, C + 3, h, w) and `context_regions`
        (M, h, w) hold unique rows; `index` (B, K) names the rows of each query's contexts, -1 for none.
        """
        found = self._attend(query, context, index, _masks(query_regions, context_regions, index))
        return self._joined(query, query_regions, found)

    def blind(
        self, query: Tensor, query_regions: Tensor, context: Tensor, context_regions: Tensor, index: Tensor
    ) -> Tensor:
        """Ablate the trimap: one softmax over all positions, its result in all three slots; see `forward`."""
        found = self._attend(query, context, index, _masks(query_regions, context_regions, index, blind=True))
        return self._joined(query, query_regions, found * len(ORDER))

    def attention(
        self,
        query: Tensor,
        query_regions: Tensor,
        context: Tensor,
        context_regions: Tensor,
        index: Tensor,
        blind: bool = False,
    ) -> Tensor:
        """Return the weights (B, 3, h w, K + 1, h w) that `forward` pools values with; the query's own patch is last.

        U, F, B; query position; patch; its position. Over all positions they sum to 1, or to 0 where no patch has the
        region. Those of `blind`: (B, 1, ...).
        """
        logits = self.logits(query, context, index)
        masks = _masks(query_regions, context_regions, index, blind)
        weights = [_weights(logits, mask.unsqueeze(1)) for mask in masks]
        shares = torch.stack([weight / weight.sum(dim=-1, keepdim=True).clamp_min(1e-30) for weight in weights], dim=1)
        return shares.view(*shares.shape[:3], index.shape[1] + 1, -1)

    def choice(self, features: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Return, for N patches (N, C + 3, h, w) as contexts of each other, the scores of the choice and attention.

        Both (N, N): the logarithm of the choice's softmax, and the share of the attention to known positions that
        falls on each context, the mean over unknown positions; the first is trained to foretell the second. The
        diagonal is -inf and 0.
        """
        index = torch.arange(len(features), device=features.device).expand(len(features), -1)
        query, context = self.descriptors(features, regions)
        itself = torch.eye(len(features), dtype=torch.bool, device=features.device)
        scores = (query @ context.T).masked_fill(itself, -torch.inf).log_softmax(dim=1)
        with torch.no_grad():
            known = (regions != UNKNOWN).flatten(1).expand(len(features), -1, -1) & ~itself.unsqueeze(2)
            logits = self.logits(features, features, index)[..., : known.shape[1] * known.shape[2]]
            weight = logits.masked_fill(~known.flatten(1).unsqueeze(1), _LOWEST).softmax(dim=2)
            seen = weight.view(*logits.shape[:2], *known.shape[1:]).sum(dim=3)
            unknown = (regions == UNKNOWN).flatten(1).unsqueeze(2).float()
            share = (seen * unknown).sum(dim=1) / unknown.sum(dim=1).clamp_min(1)
        return scores, share.masked_fill(itself, 0.0)

    def logits(self, query: Tensor, context: Tensor, index: Tensor) -> Tensor:
        """Return (B, h w, (K + 1) h w), float32: each query position against its contexts', then its own, positions."""
        asked, offered = self._keys(query, context, index)
        return asked @ offered.transpose(1, 2)

    def _keys(self, query: Tensor, context: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of query positions (B, h w, Ck + 4), of their contexts' and their own (B, (K + 1) h w, Ck + 4)."""
        asked = torch.cat([self.likeness * _unit(self.theta(query)), self._tint(query, asked=True)], dim=1)
        offered, own = (
            torch.cat([_unit(self.phi(rows)), self._tint(rows, asked=False)], dim=1) for rows in (context, query)
        )
        # Projected once per unique row; a context that serves several queries is only gathered again.
        return _positions(asked), _with_own(offered, own, index)

    def _tint(self, features: Tensor, asked: bool) -> Tensor:
        """Colour so that a dot product is minus the squared distance, up to what the softmax does not see."""
        colour = features[:, -COLOURS:].float()
        if asked:
            return torch.cat([2 * self.nearness * colour, -self.nearness * torch.ones_like(colour[:, :1])], dim=1)
        return torch.cat([colour, colour.square().sum(dim=1, keepdim=True)], dim=1)

    def _values(self, features: Tensor) -> Tensor:
        colour = features[:, -COLOURS:].float()
        return torch.cat([self.gamma(features).float(), colour, torch.ones_like(colour[:, :1])], dim=1)

    def _attend(self, query: Tensor, context: Tensor, index: Tensor, masks: list[Tensor]) -> list[Tensor]:
        """One attention result (B, h w, Cv + 4) per mask (B, (K + 1) h w)."""
        with torch.autocast(query.device.type, enabled=False):
            query, context = query.to(self.theta.weight.dtype), context.to(self.theta.weight.dtype)
            values = _with_own(self._values(context), self._values(query), index)
            asked, offered = self._keys(query, context, index)
            if query.device.type == "cpu":
                return [torch.stack(list(map(_pooled, asked, offered, values, mask))) for mask in masks]
            logits = asked @ offered.transpose(1, 2)
            return [_pooled_together(logits, values, mask) for mask in masks]

    def _joined(self, query: Tensor, query_regions: Tensor, found: list[Tensor]) -> Tensor:
        own: Tensor = self.delta(query)
        unknown = (query_regions == UNKNOWN).unsqueeze(1)
        planes = [one.transpose(1, 2).reshape(len(query), -1, *query.shape[2:]) for one in found]
        # Colours stay everywhere: they are interpolated, and a known cell's neighbour needs them.
        tail = COLOURS + 1
        parts = [part for one in planes for part in (one[:, :-tail] * unknown, one[:, -tail:])]
        return torch.cat([own, *(part.to(own.dtype) for part in parts)], dim=1)


def _unit(projected: Tensor) -> Tensor:
    return F.normalize(projected.float(), dim=1)


def _mean(planes: Tensor, mask: Tensor) -> Tensor:
    """Mean (B, c) of planes (B, c, h, w) over a mask (B, 1, h, w); zero where it is empty."""
    return (planes * mask).sum(dim=(2, 3)) / mask.sum(dim=(2, 3)).clamp_min(1)


def _positions(planes: Tensor) -> Tensor:
    return planes.flatten(2).transpose(1, 2)


def _with_own(context: Tensor, own: Tensor, index: Tensor) -> Tensor:
    """Gather (M, c, h, w) by index (B, K), add the query's own (B, c, h, w): (B, (K + 1) h w, c)."""
    return torch.cat([_positions(context)[index.clamp_min(0)].flatten(1, 2), _positions(own)], dim=1)


def _masks(query_regions: Tensor, context_regions: Tensor, index: Tensor, blind: bool = False) -> list[Tensor]:
    """For each of U, F and B (all in one if blind) the positions (B, (K + 1) h w) of contexts and query in it."""
    regions = context_regions.flatten(1)[index.clamp_min(0)]
    regions = torch.where(index.unsqueeze(2) >= 0, regions, _NONE).flatten(1)
    regions = torch.cat([regions, query_regions.flatten(1)], dim=1)
    return [regions != _NONE] if blind else [regions == region for region in ORDER]


def _weights(logits: Tensor, mask: Tensor) -> Tensor:
    """Exponentials of the logits within a mask, the largest 1; not yet divided by their sum."""
    top = torch.where(mask, logits, _LOWEST).amax(dim=-1, keepdim=True).detach()
    # Outside the mask a logit may lie above the top: without the clamp it could overflow, and inf * 0 is NaN.
    return (logits - top).clamp_max(0.0).exp() * mask


def _pooled(asked: Tensor, offered: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Attention of positions (m, c) to those of n (n, c) within a mask (n,): the mean of values, zero if it is empty.

    Positions outside are left out of the products: every position is in one region, so three regions cost one.
    """
    return (asked @ offered[mask].T).softmax(dim=1) @ values[mask]


def _pooled_together(logits: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """`_pooled` of B queries from logits (B, m, n), values (B, n, c) and a mask (B, n).

    An accelerator would wait for the processor to count what each mask holds; computing three times costs it less.
    """
    found = logits.masked_fill(~mask[:, None], _LOWEST).softmax(dim=2) @ values
    return found * mask.any(dim=1)[:, None, None]
