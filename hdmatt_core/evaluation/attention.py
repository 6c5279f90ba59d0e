"""The attention of a pipeline over pictures, held against the truth (:mod:`hdmatt_core.evaluation.matching`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.explain import Attention, attention
from hdmatt_core.evaluation.files import open_file, read
from hdmatt_core.evaluation.matching import Tally, Truth, cell_truth, tally
from hdmatt_core.evaluation.methods import Method
from hdmatt_core.evaluation.sample import Sample
from hdmatt_core.geometry import Box, mirrored, touched
from hdmatt_core.kinds import Role, Source, TileState
from hdmatt_core.nn.presets import STRIDE
from hdmatt_core.pipeline.graph import Ref
from hdmatt_core.registry import Registry
from hdmatt_core.runtime.outputs import partial_of
from hdmatt_core.runtime.probe import probing
from hdmatt_core.runtime.request import Request

Tallies = dict[str, Tally]


@dataclass(frozen=True)
class Files:
    """Where the truth of a sample is read from, by window."""

    image: Source
    alpha: Source
    foreground: Source

    def truth(self, box: Box) -> Truth:
        """What is true of a patch's positions."""
        image, alpha, foreground = (_window(source, box) for source in (self.image, self.alpha, self.foreground))
        return cell_truth(image, alpha, foreground, STRIDE)


def foreground_of(sample: Sample) -> Path:
    """The true foreground colours of a composed picture; UserError where the set was composed without them."""
    truth = cast("Path", sample.truth)
    path = truth.parent.parent / "foreground" / f"{sample.name}.png"
    if not path.exists():
        raise UserError(
            f"{path}: no such file; to judge attention the set must hold true foregrounds: compose it with "
            "--foregrounds, or leave out 'attention'"
        )
    return path


def judge(method: Method, sample: Sample, queries: int, record: Path, memory: int | None = None) -> Tallies:
    """Tallies by region over at most ``queries`` patches of a picture, spread evenly over those that ask.

    What is in ``record`` from an equal call is not worked out again; it is written when all is done.
    """
    record.parent.mkdir(parents=True, exist_ok=True)
    alpha = record.with_suffix(".png")  # names the run; it is not written
    want = {**method.fingerprint(sample, alpha), "queries": str(queries)}
    found = json.loads(record.read_text()) if record.exists() else {}
    if found.get("fingerprint") != want:
        tallies = _judged(method.request(sample, alpha, memory), sample, queries)
        found = {"fingerprint": want, "tallies": {region: asdict(each) for region, each in tallies.items()}}
        partial_of(record).write_text(json.dumps(found, indent=1))
        partial_of(record).replace(record)
    return {region: Tally(**values) for region, values in found["tallies"].items()}


def _judged(request: Request, sample: Sample, queries: int) -> Tallies:
    files, total = _open(sample), Tallies()
    with probing(request, "decoder") as probe:
        tiles = Ref(probe.only("tiler").name, "tiles")
        grid = probe.space.spec(tiles).grid
        assert grid is not None
        asking = np.flatnonzero(probe.space.table(tiles)[:, 2] == TileState.QUERY)
        for at in np.unique(np.linspace(0, len(asking) - 1, min(queries, len(asking))).round().astype(int)):
            slot = int(asking[at])
            seen = attention(probe, probe.look(probe.only("decoder"), slot), grid, slot)
            for region, counted in _tallied(seen, files).items():
                total[region] = total.get(region, Tally()) + counted
    return total


def _tallied(seen: Attention, files: Files) -> Mapping[str, Tally]:
    return tally(
        seen.weights,
        seen.unknown,
        files.truth(seen.query.box),
        [patch.regions for patch in seen.seen],
        [patch.cells for patch in seen.seen],
        [files.truth(patch.box).alpha for patch in seen.seen],
        own=seen.own,
    )


def _open(sample: Sample) -> Files:
    registry = Registry.load()
    paths: dict[Role, Path] = {"image": sample.image, "matte": cast("Path", sample.truth)}
    image, alpha = (open_file(path, role, registry) for role, path in paths.items())
    return Files(image, alpha, open_file(foreground_of(sample), "image", registry))


def _window(source: Source, box: Box) -> NDArray[Any]:
    """The values 0..1 of a box, mirrored where it reaches beyond the picture."""
    shape = source.infer({})["pixels"].shape[:2]
    inside = touched(box, shape)
    piece = mirrored(read(source, inside), inside, box, shape)
    top = np.iinfo(piece.dtype).max if piece.dtype.kind == "u" else 1
    return piece.astype(np.float64) / top
