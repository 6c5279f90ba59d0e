"""Features, descriptors and skips of each patch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hdmatt_core.errors import UserError
from hdmatt_core.kinds import Encoder, TileState
from hdmatt_core.nn.layout import skips_bytes
from hdmatt_core.nn.presets import EVIDENCE_CELL, EVIDENCE_HALO, STRIDE, find_preset
from hdmatt_core.nn.regions import downsample_regions
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Context, Own, Request, Specs, Target, Window
from hdmatt_stages.batches import ACCELERATOR, CPU, batches, precision
from hdmatt_stages.pool import grid_of
from hdmatt_stages.tiler import around, cut

INPUT_BYTES = 60
"""Per pixel of a patch: the six channels in float32, and what making them allocates."""
ACTIVATION_BYTES = 6
"""Per pixel of a patch and channel of the first layer: measured at 5.5 (hdmatt-s) and 4.8 (hdmatt-r34), float32."""
STRIP = 64
"""Rows of the window that are gathered into cells at a time."""
HALF_MAX = 65504.0


class ResNet(Encoder):
    """A ResNet trunk with atrous spatial pyramid pooling, one for queries and contexts.

    ``E = encoder(RGB, one-hot trimap)`` at 1/16; ``query_vector = mean_s [U(s)] theta(E)(s)`` over unknown positions
    U, ``context_vector = mean_s phi(E)(s)``; skips are the activations that the decoder needs besides, for queries
    alone. Output stride 16, the dilation and the rates are this project's choice: the paper leaves them open.

    Source: Yu et al., AAAI 2021 (encoder, context patch sampling); He et al., "Deep Residual Learning", CVPR 2016;
    Chen et al., "Rethinking Atrous Convolution", arXiv 1706.05587.
    """

    class Params(Encoder.Params):
        """The network's size; the weights must be of the same."""

        preset: str = Field("hdmatt-s", description="size of the network that the weights were trained for")

    params: Params

    @property
    def preset(self) -> str:
        """The preset that the weights must be of."""
        return self.params.preset

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        preset, grid = find_preset(self.preset), grid_of(specs)
        if grid.stride % EVIDENCE_CELL:
            raise UserError(
                f"patches {grid.stride} px apart do not share the cells of {EVIDENCE_CELL} px in which colours are "
                f"gathered; make the tiler's overlap a multiple of {EVIDENCE_CELL}"
            )
        cells = grid.patch // STRIDE
        vector = ArraySpec(("tile", "c"), (grid.slots, preset.key), "float32", 1, grid)
        return {
            "features": ArraySpec(
                ("tile", "y", "x", "c"), (grid.slots, cells, cells, preset.features), "float16", STRIDE, grid
            ),
            "query_vector": vector,
            "context_vector": vector,
            "skips": ArraySpec(("tile", "byte"), (grid.slots, skips_bytes(preset, grid.patch)), "uint8", 1, grid),
        }

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        window = Window(around(grid_of(specs), target).grown(EVIDENCE_HALO))
        return {"tiles": Own(), "image": window, "trimap": window}

    def scratch(self, target: Target, specs: Specs) -> int:
        activations = ACTIVATION_BYTES * find_preset(self.preset).widths[0]
        pixel = max(CPU * (activations + INPUT_BYTES), ACCELERATOR * INPUT_BYTES)
        return pixel * grid_of(specs).patch ** 2

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        import torch

        specs, count = self.infer(block.specs), len(block.target.slots)
        made = {port: np.zeros((count, *specs[port].shape[1:]), specs[port].dtype) for port in block.wanted}
        queries = block.array("tiles")[:, 2] == TileState.QUERY
        # A plan that did not keep the skips encodes the queries again, for these alone.
        rows = np.flatnonzero(queries | (block.wanted != {"skips"}))
        with torch.inference_mode():
            lines = _lines(block) if "skips" in block.wanted and queries.any() else None
            for part in batches(len(rows), context.device, grid_of(block.specs).patch):
                chosen = rows[part]
                encoded = _encode(block, context.network(), chosen, queries[chosen], lines)
                for port, values in encoded.items():
                    made[port][chosen] = values
        return made


def _encode(
    block: Block, network: Any, rows: NDArray[np.intp], queries: NDArray[np.bool_], lines: Any
) -> dict[str, Array]:
    """The wanted outputs for some rows of the target; zero where only queries have them."""
    import torch

    from hdmatt_core.nn.inputs import make_input

    image, trimap = (_patches(block, port, rows) for port in ("image", "trimap"))
    x = make_input(image, trimap).to(**precision(network))
    if lines is not None and queries.any():
        features, skips = network.encoder(x, _lines_of(block, rows, lines).to(x.device))
    else:
        features, skips = network.encoder.features(x), None
    made: dict[str, Array] = {}
    if "features" in block.wanted:
        halves = features.float().clamp(-HALF_MAX, HALF_MAX).to(torch.float16)
        made["features"] = halves.permute(0, 2, 3, 1).cpu().numpy()
    if block.wanted & {"query_vector", "context_vector"}:
        regions = torch.from_numpy(downsample_regions(trimap)).to(features.device)
        query, context = (vectors.float().cpu().numpy() for vectors in network.context.descriptors(features, regions))
        made |= {"query_vector": query * queries[:, None], "context_vector": context}
    if skips is not None:
        made["skips"] = _packed(skips, queries)
    return {port: values for port, values in made.items() if port in block.wanted}


def _lines(block: Block) -> Any:
    """The colour lines around the whole block, (1, 5, h, w): gathered and filtered once for all its patches."""
    import torch

    from hdmatt_core.nn.evidence import colour_lines, known_cells
    from hdmatt_core.nn.inputs import make_input

    image, trimap = block.array("image"), block.array("trimap")
    strips = [slice(row, row + STRIP) for row in range(0, len(trimap), STRIP)]
    cells = [known_cells(make_input(image[None, s], trimap[None, s])) for s in strips]
    return colour_lines(torch.cat(cells, dim=2), EVIDENCE_HALO // EVIDENCE_CELL)


def _lines_of(block: Block, rows: NDArray[np.intp], lines: Any) -> Any:
    """The colour lines (n, 5, P/8 + 2, P/8 + 2) of some rows of the target."""
    import torch

    grid = grid_of(block.specs)
    origin, side = around(grid, block.target).start, grid.patch // EVIDENCE_CELL + 2
    seen = []
    for row in rows:
        corner = grid.box(block.target.slots[row]).start
        y, x = ((c - o) // EVIDENCE_CELL for c, o in zip(corner, origin, strict=True))
        seen.append(lines[:, :, y : y + side, x : x + side])
    return torch.cat(seen)


def _patches(block: Block, port: str, rows: NDArray[np.intp]) -> Array:
    grid = grid_of(block.specs)
    window, origin = block.array(port), around(grid, block.target).grown(EVIDENCE_HALO).start
    return np.stack([cut(window, origin, grid.box(block.target.slots[row])) for row in rows])


def _packed(skips: Any, queries: NDArray[np.bool_]) -> Array:
    """Packed skips (n, bytes) of the queries among the rows, zeros for the others."""
    import torch

    from hdmatt_core.nn.skips import pack_skips

    chosen = torch.from_numpy(np.flatnonzero(queries)).to(skips.x.device)
    packed = pack_skips(type(skips)(*(part[chosen] for part in skips))).cpu().numpy()
    whole = np.zeros((len(queries), packed.shape[1]), np.uint8)
    whole[queries] = packed
    return whole
