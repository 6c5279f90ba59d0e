"""Features, descriptors and skips of each patch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.kinds import Encoder, TileState
from hdmatt_core.nn.layout import skips_bytes
from hdmatt_core.nn.presets import EVIDENCE_CELL, LINE_CHANNELS, PLANES, STRIDE, Preset, find_preset
from hdmatt_core.nn.regions import downsample_regions
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Own, Request, Rows, Specs, Target, Window
from hdmatt_stages.anywhere import checked_stride, palettes_around, slots_around
from hdmatt_stages.batches import batches, host_bytes, input_for
from hdmatt_stages.evidence import evidence_of, evidence_within, seen_around
from hdmatt_stages.glance import factor_for, overview_around
from hdmatt_stages.pool import grid_of
from hdmatt_stages.tiler import cut

INPUT_BYTES = 60
"""Per pixel of a patch: the six channels in float32, and what making them allocates."""
ACTIVATION_BYTES = 6
"""Per pixel of a patch and channel of the first layer: measured at 5.5 (hdmatt-s) and 4.8 (hdmatt-r34), float32."""
HALF_MAX = 65504.0


class ResNet(Encoder):
    """A ResNet trunk with atrous spatial pyramid pooling, one for queries and contexts.

    ``E = encoder(RGB, one-hot trimap, colour evidence)`` at 1/16, and the mean colour of each position;
    ``query_vector = mean_s [U(s)] theta(E)(s)`` over unknown positions U, ``context_vector`` the mean of phi(E) over
    foreground and over background positions, added; skips are the activations that the decoder needs besides, for
    queries alone. Output stride 16, dilation, rates and weights of positions are this project's choice: the paper
    leaves them open. Colour evidence is not in the paper; the network's page describes it.

    Source: Yu et al., AAAI 2021 (encoder, context patch sampling); He et al., "Deep Residual Learning", CVPR 2016;
    Chen et al., "Rethinking Atrous Convolution", arXiv 1706.05587.
    """

    class Params(Encoder.Params):
        """The network's size; the weights must be of the same."""

        preset: str = Field("hdmatt-s", description="size of the network that the weights were trained for")
        evidence: Literal["picture", "patch"] = Field(
            "picture",
            description="where colour evidence is seen: in and around the whole picture, or, an ablation, in each "
            "patch alone, so that contexts are all that tells of the rest",
        )

    params: Params

    @property
    def preset(self) -> str:
        """The preset that the weights must be of."""
        return self.params.preset

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        preset, grid = find_preset(self.preset), grid_of(specs)
        checked_stride(grid)
        self._check_wiring(preset, specs)
        if "overview" in specs:
            factor_for(grid, specs["overview"])
        cells = grid.patch // STRIDE
        vector = ArraySpec(("tile", "c"), (grid.slots, preset.key), "float32", 1, grid)
        return {
            "features": ArraySpec(
                ("tile", "y", "x", "c"), (grid.slots, cells, cells, preset.encoded), "float16", STRIDE, grid
            ),
            "query_vector": vector,
            "context_vector": vector,
            "skips": ArraySpec(("tile", "byte"), (grid.slots, skips_bytes(preset, grid.patch)), "uint8", 1, grid),
        }

    def _check_wiring(self, preset: Preset, specs: Specs) -> None:
        missing = [port for port in ("far", "palette") if port not in specs]
        wired = [port for port in ("far", "palette", "overview") if port in specs]
        if missing and preset.evidence and not self._apart:
            raise UserError(
                f"{preset.name} is told of known colours: wire {' and '.join(missing)}, "
                "from the stages colour.known, colour.far and colour.palette"
            )
        if wired and self._apart:
            raise UserError(
                f"evidence=patch sees nothing beyond a patch: leave out {' and '.join(wired)}, or the parameter"
            )

    @property
    def _apart(self) -> bool:
        return self.params.evidence == "patch"

    def _seen(self, grid: Grid, slots: Sequence[int]) -> Box:
        """The pixels that the patches in ``slots`` depend on."""
        return Box.bounding(map(grid.box, slots)) if self._apart else seen_around(grid, slots)

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        grid = grid_of(specs)
        seen = self._seen(grid, target.slots)
        requests: dict[str, Request] = {"tiles": Own(), "image": Window(seen), "trimap": Window(seen)}
        if find_preset(self.preset).evidence and not self._apart:
            requests["far"] = Rows(slots_around(grid, seen))
            requests["palette"] = Window(palettes_around(grid, seen))
            if "overview" in specs:
                requests["overview"] = Window(overview_around(grid, target.slots, specs["overview"]))
        return requests

    def scratch(self, target: Target, specs: Specs) -> int:
        return encoding_bytes(find_preset(self.preset), grid_of(specs).patch)

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        import torch

        specs, slots = self.infer(block.specs), np.array(block.target.slots)
        made = {port: np.zeros((len(slots), *specs[port].shape[1:]), specs[port].dtype) for port in block.wanted}
        queries = block.array("tiles")[:, 2] == TileState.QUERY
        network, patch = context.network(), grid_of(block.specs).patch
        origin = self._seen(grid_of(block.specs), block.target.slots).start
        with torch.inference_mode():
            for asked in (True, False):
                rows = np.flatnonzero(queries == asked)
                told = self._evidence(block, origin, slots[rows].tolist(), context) if asked and len(rows) else None
                for part in batches(len(rows), context.device, patch):
                    some = None if told is None else type(told)(*(plane[part] for plane in told))
                    for port, values in _encode(block, origin, network, rows[part], some).items():
                        made[port][rows[part]] = values
        return made

    def _evidence(self, block: Block, origin: tuple[int, ...], slots: list[int], context: Context) -> Any:
        """What colour says of queries; nothing for a network that does not hear of it."""
        import torch

        from hdmatt_core.nn.evidence import Evidence

        if find_preset(self.preset).evidence:
            seen = evidence_within if self._apart else evidence_of
            return seen(block, origin, slots, context.device)
        patch = grid_of(block.specs).patch
        cells = patch // EVIDENCE_CELL + 2
        return Evidence(
            torch.zeros(len(slots), LINE_CHANNELS, cells, cells), torch.zeros(len(slots), PLANES, patch, patch)
        )


def encoding_bytes(preset: Preset, patch: int) -> int:
    """Bytes that encoding a batch of patches of ``patch`` px allocates."""
    activations = ACTIVATION_BYTES * preset.widths[0]
    return host_bytes(patch, (activations + INPUT_BYTES) * patch**2, INPUT_BYTES * patch**2)


def _encode(block: Block, origin: tuple[int, ...], network: Any, rows: NDArray[np.intp], told: Any) -> dict[str, Array]:
    """The wanted outputs for some rows of the target: queries with their evidence, or contexts without."""
    import torch

    from hdmatt_core.nn.skips import pack_skips

    image, trimap = (patches_of(block, port, origin, rows) for port in ("image", "trimap"))
    x = input_for(network, image, trimap)
    made: dict[str, Array] = {}
    if told is None:
        features = network.encoder.known(x)
    else:
        features, skips = network.encoder(x, type(told)(*(plane.to(x.device) for plane in told)))
        if "skips" in block.wanted:
            made["skips"] = pack_skips(skips).cpu().numpy()
    if "features" in block.wanted:
        halves = features.float().clamp(-HALF_MAX, HALF_MAX).to(torch.float16)
        made["features"] = halves.permute(0, 2, 3, 1).cpu().numpy()
    if block.wanted & {"query_vector", "context_vector"}:
        regions = torch.from_numpy(downsample_regions(trimap)).to(features.device)
        query, context = (vectors.float().cpu().numpy() for vectors in network.context.descriptors(features, regions))
        made |= {"query_vector": query, "context_vector": context}
    return {port: values for port, values in made.items() if port in block.wanted}


def patches_of(block: Block, port: str, origin: tuple[int, ...], rows: NDArray[np.intp]) -> Array:
    """The pixels (n, P, P, ...) of some rows of the target, from a window that begins at ``origin``."""
    grid, window = grid_of(block.specs), block.array(port)
    return np.stack([cut(window, origin, grid.box(block.target.slots[row])) for row in rows])
