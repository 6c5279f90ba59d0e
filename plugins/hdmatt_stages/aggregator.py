"""Bringing the features of the chosen patches to the query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.kinds import Aggregator
from hdmatt_core.nn.presets import PRESETS, STRIDE, Preset
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Gather, Gathered, Own, Request, Specs, Target
from hdmatt_stages.batches import batches, host_bytes, precision

if TYPE_CHECKING:
    from torch import Tensor

COPIES = 2
"""Float32 arrays of the size of a patch's attention logits, for each patch of a pass; one patch at a time has two."""
REGIONS = ("unknown", "foreground", "background")
"""What the trimap-guided operation attends to apart, in the order of its output."""


class _Attention(Aggregator):
    blind: ClassVar[bool]

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        features = specs["features"]
        slots, height, width, channels = features.shape
        fused = (slots, height, width, _preset(channels).fused)
        return {"fused": ArraySpec(features.dims, fused, "float32", features.scale, features.grid)}

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        return {"features": Gather("choice"), "regions": Gather("choice"), "choice": Own()}

    def scratch(self, target: Target, specs: Specs) -> int:
        _, height, width, channels = specs["features"].shape
        preset, k, cells = _preset(channels), specs["choice"].shape[1], height * width
        rows = 8 * cells * (k + 1) * (channels + preset.key + preset.found)
        logits = 4 * COPIES * (k + 1) * cells**2
        return host_bytes(height * STRIDE, rows + logits, rows)

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        import torch

        network, specs = context.network(), self.infer(block.specs)
        made = np.empty((len(block.target.slots), *specs["fused"].shape[1:]), np.float32)
        attend = network.context.blind if self.blind else network.context
        patch = made.shape[1] * specs["fused"].scale
        features, regions = block.gathered("features"), block.gathered("regions")
        with torch.inference_mode():
            for part in batches(len(made), context.device, patch):
                fused = attend(*_tensors(features, regions, part, precision(network)))
                made[part] = fused.permute(0, 2, 3, 1).float().cpu().numpy()
        return {"fused": made}

    def weights(self, block: Block, context: Context) -> dict[str, Array]:
        """Where each tile of the block looks, by region: (n, h w, k + 1, h w), summing to 1 or, without any, to 0.

        The tile itself is the last of the patches that it looks at.
        What ``run`` pools values with, to be looked at (``hdmatt explain``).
        """
        import torch

        network = context.network()
        features, regions = block.gathered("features"), block.gathered("regions")
        rows = []
        with torch.inference_mode():
            for row in range(len(features.own)):
                given = _tensors(features, regions, np.array([row]), precision(network))
                rows.append(network.context.attention(*given, blind=self.blind).float().cpu().numpy())
        regions_first = np.concatenate(rows).swapaxes(0, 1)
        return dict(zip(("all",) if self.blind else REGIONS, regions_first, strict=True))


class TrimapGuided(_Attention):
    """The trimap-guided non-local operation: attention to unknown, foreground and background apart.

    For a region R of U, F, B and an unknown position s of the query,
    ``f_R(s) = sum_i sum_{s' in R of i} softmax(a cos(theta(s), phi_i(s')) - b |c(s) - c_i(s')|^2) v_i(s')``, values
    ``v = [gamma(E), c, 1]``, with the mean colours c of positions: one softmax over the positions of all k contexts,
    and of the query itself, that lie in R; zero where R is empty. So f_F and f_B hold estimates of foreground and
    background colour. The output is ``concat(delta(E), f_U, f_F, f_B)``: C + 3 (Cv + 4) channels.

    Source: Yu et al., AAAI 2021, trimap-guided non-local. The logits, colours among the values, the one softmax,
    hard masks, the query among its contexts and concatenation are this project's choice: the paper leaves them open.
    """

    blind = False


class NonLocal(_Attention):
    """The paper's ablation: attention that does not see the trimap.

    One softmax over all positions of the k contexts and of the query, its result in the places of f_U, f_F and f_B; see
    ``aggregator.tgnl``.

    Source: Yu et al., AAAI 2021, ablation; Wang et al., "Non-local Neural Networks", CVPR 2018.
    """

    blind = True


def _preset(channels: int) -> Preset:
    for preset in PRESETS.values():
        if preset.encoded == channels:
            return preset
    known = ", ".join(f"{p.encoded} ({p.name})" for p in PRESETS.values())
    raise UserError(f"no network has {channels} feature channels; wire features with {known}")


def _tensors(features: Gathered, regions: Gathered, part: NDArray[np.intp], where: Any) -> tuple[Tensor, ...]:
    """The queries of ``part``, the contexts they name and no others, and who names which: as `TGNL` takes them."""
    import torch

    index = features.index[part]
    used = np.unique(index[index >= 0])
    place = np.where(index >= 0, np.searchsorted(used, index), -1)
    contexts, context_regions = features.data[used], regions.data[used]
    if not len(used):  # the network wants at least one row, even if nobody names it
        contexts, context_regions = features.own[part][:1], regions.own[part][:1]
    return (
        _planes(features.own[part], where),
        torch.from_numpy(regions.own[part]).to(where["device"]),
        _planes(contexts, where),
        torch.from_numpy(context_regions).to(where["device"]),
        torch.from_numpy(place.astype(np.int64)).to(where["device"]),
    )


def _planes(rows: Array, where: Any) -> Tensor:
    """Rows (n, h, w, C) as (n, C, h, w) on the network's device and of its dtype."""
    import torch

    return torch.from_numpy(rows).to(**where).permute(0, 3, 1, 2)
