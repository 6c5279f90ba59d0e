"""The choice table at any size: time and memory of ``sampler.topk`` over all tiles, with random descriptors.

Blocks of queries cost alike, so that some of them are timed and the rest is multiplied.

    python tests/bench/choice.py --gigapixels 1 10
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import watched
from hdmatt_stages import TopK
from watched import table

from hdmatt_core.geometry import Box, Grid
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Block, Target
from hdmatt_core.testing import FakeContext

CHANNELS = 64  # of hdmatt-s
TIMED = 40
"""Blocks of 16 queries."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--gigapixels", type=float, nargs="+", default=[1, 10])
    arguments.add_argument("--unknown", type=float, default=0.08, help="share of the tiles that are queries")
    arguments.add_argument("--folder", type=Path, default=Path("bench-out"))
    options = arguments.parse_args()
    rows = [measured(size, options.unknown) for size in options.gigapixels]
    watched.record(options.folder, "choice", {"rows": rows})
    columns = ("gigapixels", "tiles", "queries", "processor s", "us a query", "descriptors MB", "more resident MB")
    print(table(columns, rows))


def measured(gigapixels: float, share: float) -> list[str]:
    """Every tile a candidate, whole blocks of queries: one row of the table."""
    side = round((gigapixels * 1e9) ** 0.5)
    grid = Grid((side, side), 320, 32)
    slots = grid.slots
    random = np.random.default_rng(0)
    pool, context = np.ones(slots, np.uint8), random.standard_normal((slots, CHANNELS), dtype=np.float32)
    specs = {
        "tiles": ArraySpec(("tile", "c"), (slots, 3), "int32", 1, grid),
        "pool": ArraySpec(("tile",), (slots,), "uint8", 1, grid),
        "query": ArraySpec(("tile", "c"), (slots, CHANNELS), "float32", 1, grid),
        "context": ArraySpec(("tile", "c"), (slots, CHANNELS), "float32", 1, grid),
    }
    stage, blocks = TopK(TopK.Params()), round(slots * share / grid.block)
    before, began = highest(), time.process_time()
    for number in range(timed := min(blocks, TIMED)):
        start = number * grid.block
        target = Target(Box((start,), (start + grid.block,)), tuple(range(start, start + grid.block)))
        arrays = {"pool": pool, "context": context, "query": context[start : start + grid.block]}
        stage.run(Block(target, specs, arrays, frozenset({"choice", "scores"})), FakeContext())
    each = (time.process_time() - began) / timed / grid.block
    queries, memory = blocks * grid.block, (highest() - before) / 1e6
    figures = (f"{each * queries:.1f}", f"{each * 1e6:.0f}", f"{context.nbytes / 1e6:.0f}", f"{memory:.0f}")
    return [f"{gigapixels:g}", f"{slots}", f"{queries}", *figures]


def highest() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


if __name__ == "__main__":
    main()
