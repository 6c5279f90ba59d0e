"""Cross-patch context: the heads theta, phi, delta, gamma and the trimap-guided non-local operation (method: TGNL)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hdmatt_core.nn.presets import Preset
from hdmatt_core.nn.regions import BACKGROUND, FOREGROUND, UNKNOWN

ORDER = (UNKNOWN, FOREGROUND, BACKGROUND)
_LOWEST = -1e30


class TGNL(nn.Module):
    """Attend from a query patch to the positions of its context patches, region by region.

    Open in the paper and decided here: logits are scaled by 1/sqrt(Ck); one softmax runs over the positions of all K
    contexts of a region; region masks are hard; the query's own features, through delta, are concatenated.
    """

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.theta = nn.Conv2d(preset.features, preset.key, 1)
        self.phi = nn.Conv2d(preset.features, preset.key, 1)
        self.delta = nn.Conv2d(preset.features, preset.features, 1)
        self.gamma = nn.Conv2d(preset.features, preset.value, 1)

    def descriptors(self, features: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the query and context vectors (B, Ck), float32, of features (B, C, h, w), regions (B, h, w).

        Means over all h w positions of theta(E), zero where not unknown, and of phi(E): the dot product of two such
        vectors is the paper's double sum over positions, divided by (h w)^2.
        """
        unknown = (regions == UNKNOWN).unsqueeze(1)
        query = self.theta(features).float() * unknown
        return query.mean(dim=(2, 3)), self.phi(features).float().mean(dim=(2, 3))

    def forward(
        self, query: Tensor, query_regions: Tensor, context: Tensor, context_regions: Tensor, index: Tensor
    ) -> Tensor:
        """Return (B, C + 3 Cv, h, w): delta(query), f_U, f_F, f_B; f is zero where the query is known or R is empty.

        `query` (B, C, h, w), `query_regions` (B, h, w), `context` (M, C, h, w) and `context_regions` (M, h, w) hold
        unique rows; `index` (B, K) names the rows of each query's contexts, -1 for none.
        """
        found = self._attend(query, context, index, _masks(context_regions, index))
        return self._joined(query, query_regions, found)

    def attention(
        self, query: Tensor, context: Tensor, context_regions: Tensor, index: Tensor, blind: bool = False
    ) -> Tensor:
        """Return the weights (B, 3, h w, K, h w) that `forward` pools values with: U, F, B; query and context position.

        Over the context positions they sum to 1, or to 0 where no context has the region. Those of `blind`: (B, 1, ..).
        """
        logits = self._logits(query, context, index)
        masks = [_given(context_regions, index)] if blind else _masks(context_regions, index)
        weights = [_weights(logits, mask.unsqueeze(1)) for mask in masks]
        shares = torch.stack([weight / weight.sum(dim=-1, keepdim=True).clamp_min(1e-30) for weight in weights], dim=1)
        return shares.view(*shares.shape[:3], index.shape[1], -1)

    def blind(
        self, query: Tensor, query_regions: Tensor, context: Tensor, context_regions: Tensor, index: Tensor
    ) -> Tensor:
        """Ablate the trimap: one softmax over all context positions, its result in all three slots; see `forward`."""
        found = self._attend(query, context, index, [_given(context_regions, index)])
        return self._joined(query, query_regions, found * len(ORDER))

    def _attend(self, query: Tensor, context: Tensor, index: Tensor, masks: list[Tensor]) -> list[Tensor]:
        """One attention result (B, h w, Cv) per mask (B, K h w)."""
        logits = self._logits(query, context, index)
        values = _rows(self.gamma(context), index)
        with torch.autocast(query.device.type, enabled=False):
            return [_pooled(logits, mask.unsqueeze(1), values) for mask in masks]

    def _logits(self, query: Tensor, context: Tensor, index: Tensor) -> Tensor:
        """Likeness (B, h w, K h w) of each query position to each position of its contexts."""
        # Projected once per unique row; a context that serves several queries is only gathered again.
        keys = _rows(self.phi(context), index)
        asked = self.theta(query).flatten(2).transpose(1, 2).float()
        with torch.autocast(query.device.type, enabled=False):
            logits: Tensor = asked @ keys.transpose(1, 2) * (keys.shape[2] ** -0.5)
        return logits

    def _joined(self, query: Tensor, query_regions: Tensor, found: list[Tensor]) -> Tensor:
        own: Tensor = self.delta(query)
        unknown = (query_regions == UNKNOWN).unsqueeze(1)
        spread = torch.cat(found, dim=2).transpose(1, 2).reshape(query.shape[0], -1, *query.shape[2:])
        return torch.cat([own, (spread * unknown).to(own.dtype)], dim=1)


def _rows(projected: Tensor, index: Tensor) -> Tensor:
    """Gather (M, c, h, w) by index (B, K) into (B, K h w, c) float32."""
    flat = projected.flatten(2).transpose(1, 2).float()
    return flat[index.clamp_min(0)].flatten(1, 2)


def _masks(context_regions: Tensor, index: Tensor) -> list[Tensor]:
    """For each of U, F and B the context positions (B, K h w) that lie in it; none of a context that is not there."""
    regions = context_regions.flatten(1)[index.clamp_min(0)]
    regions = torch.where(index.unsqueeze(2) >= 0, regions, 255).flatten(1)
    return [regions == region for region in ORDER]


def _given(context_regions: Tensor, index: Tensor) -> Tensor:
    """All positions (B, K h w) of the contexts that are there."""
    shape = (*index.shape, context_regions[0].numel())
    return (index >= 0).unsqueeze(2).expand(shape).flatten(1)


def _weights(logits: Tensor, mask: Tensor) -> Tensor:
    """Exponentials of the logits within a mask, the largest 1; not yet divided by their sum."""
    top = torch.where(mask, logits, _LOWEST).amax(dim=-1, keepdim=True).detach()
    # Outside the mask a logit may lie above the top: without the clamp it could overflow, and inf * 0 is NaN.
    return (logits - top).clamp_max(0.0).exp() * mask


def _pooled(logits: Tensor, mask: Tensor, values: Tensor) -> Tensor:
    """Softmax-weighted mean of values (B, n, Cv) within a mask; zero, with zero gradient, where the mask is empty."""
    weight = _weights(logits, mask)
    return weight @ values / weight.sum(dim=-1, keepdim=True).clamp_min(1e-30)
