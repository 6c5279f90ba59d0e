"""Inputs for a stage of any built-in kind, made from one small scene without running another stage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Grid
from hdmatt_core.kinds import TileState
from hdmatt_core.nn.layout import skips_layout
from hdmatt_core.nn.presets import FAR_CHANNELS, OVERVIEW, PALETTE, find_preset
from hdmatt_core.nn.reduction import reduced_mean
from hdmatt_core.nn.regions import UNKNOWN, downsample_regions, trimap_classes
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Target, Window
from hdmatt_core.testing.scenes import scene
from hdmatt_core.testing.serving import Given, given, serve, tiles_given

GRID = Grid((150, 210), patch=64, overlap=16, side=2)
CHOICES = 3


def pictures(*ports: str, seed: int = 0) -> dict[str, Given]:
    """Some of ``image``, ``trimap``, ``alpha`` and ``mask`` of one scene of 150 x 210 px, as inputs of these names."""
    made = scene(*GRID.shape, seed)
    mask = (made.alpha > 0.5).astype(np.uint8) * 255
    known: dict[str, Array] = {"image": made.image, "trimap": made.trimap, "alpha": made.alpha, "mask": mask}
    return {port: given(known[port]) for port in ports}


def standard_inputs(kind: str, seed: int = 0) -> dict[str, Given]:
    """Every input port of ``kind``, with patches of 64 px, features of ``hdmatt-s`` and seeded random numbers.

    Raises UserError for a kind whose ports are not fixed: give its inputs in ``StageConformance.given``.
    """
    if kind == "tiler":
        return pictures("image", "trimap", seed=seed)
    table = _Table(seed)
    makers = {
        "pool": lambda: {"tiles": table.tiles},
        "encoder": table.encoder,
        "sampler": table.sampler,
        "aggregator": table.aggregator,
        "decoder": table.decoder,
        "blender": table.blender,
    }
    if kind not in makers:
        raise UserError(f"no standard inputs for kind '{kind}'; override StageConformance.given")
    return makers[kind]()


class _Table:
    """The scene cut into patches, and what the stages over tiles take."""

    def __init__(self, seed: int) -> None:
        self.preset = find_preset("hdmatt-s")
        self.random = np.random.default_rng(seed)
        self.pictures = pictures("image", "trimap", "alpha", seed=seed)
        states = {slot: self._state(slot) for slot in GRID.present(0, GRID.slots)}
        corners = np.zeros((GRID.slots, 3), np.int32)
        for slot, state in states.items():
            corners[slot] = (*GRID.box(slot).start, state)
        self.queries = tuple(slot for slot, state in states.items() if state == TileState.QUERY)
        self.tiles = tiles_given(corners, ("tile", "c"), GRID)
        pool = np.zeros(GRID.slots, np.uint8)
        pool[list(states)] = 1
        self.pool = tiles_given(pool, ("tile",), GRID)

    def _cut(self, port: str, slot: int) -> NDArray[np.generic]:
        window = serve(Window(GRID.box(slot)), port, self.pictures, Target(GRID.box(slot)))
        assert isinstance(window, np.ndarray)
        return window

    def _state(self, slot: int) -> TileState:
        inside = self.pictures["trimap"].array[GRID.box(slot).within(GRID.shape).slices]
        classes: set[int] = set(trimap_classes(inside).ravel().tolist())
        if UNKNOWN in classes:
            return TileState.QUERY
        return TileState.KNOWN if len(classes) > 1 else TileState(1 + classes.pop() // 2)

    def _normal(self, *shape: int) -> NDArray[np.float32]:
        return self.random.normal(size=(GRID.slots, *shape)).astype(np.float32)

    def encoder(self) -> dict[str, Given]:
        far = self.random.integers(0, 256, (GRID.slots, FAR_CHANNELS), np.uint8)
        palette = self.random.integers(0, 256, (*GRID.block_counts, 2 * PALETTE), np.uint8)
        return {
            "tiles": self.tiles,
            "pool": self.pool,
            "far": tiles_given(far, ("tile", "c"), GRID),
            "palette": Given(palette, ArraySpec(("y", "x", "c"), palette.shape, "uint8", GRID.stride * GRID.side)),
            "overview": given(reduced_mean(self._whole_squares("alpha"), OVERVIEW)),
            **pictures("image", "trimap"),
        }

    def _whole_squares(self, port: str) -> NDArray[np.generic]:
        """A picture with its last row and column repeated to whole squares of OVERVIEW px."""
        array = self.pictures[port].array
        return np.pad(array, [(0, -side % OVERVIEW) for side in array.shape], mode="edge")

    def sampler(self) -> dict[str, Given]:
        query, context = (tiles_given(self._normal(self.preset.key), ("tile", "c"), GRID) for _ in range(2))
        return {"tiles": self.tiles, "pool": self.pool, "query": query, "context": context}

    def aggregator(self) -> dict[str, Given]:
        side = GRID.patch // 16
        features = self._normal(side, side, self.preset.encoded).astype(np.float16)
        regions = np.zeros((GRID.slots, side, side), np.uint8)
        for slot in GRID.present(0, GRID.slots):
            regions[slot] = downsample_regions(self._cut("trimap", slot)[None])[0]
        choice, scores = self._choice()
        return {
            "features": tiles_given(features, ("tile", "y", "x", "c"), GRID, 16),
            "regions": tiles_given(regions, ("tile", "y", "x"), GRID, 16),
            "choice": tiles_given(choice, ("tile", "k"), GRID, slots=self.queries),
            "scores": tiles_given(scores, ("tile", "k"), GRID, slots=self.queries),
        }

    def _choice(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Other patches at random; the first query has one less, the last none."""
        choice = np.zeros((GRID.slots, CHOICES), np.int32)
        for slot in self.queries:
            others = [other for other in GRID.present(0, GRID.slots) if other != slot]
            choice[slot] = self.random.choice(others, CHOICES, replace=False)
        choice[self.queries[0], -1] = -1
        choice[self.queries[-1]] = -1
        return choice, np.where(choice >= 0, np.float32(1 / CHOICES), np.float32(0))

    def decoder(self) -> dict[str, Given]:
        side = GRID.patch // 16
        fused = self._normal(side, side, self.preset.fused)
        features = tiles_given(fused, ("tile", "y", "x", "c"), GRID, 16, self.queries)
        return {"features": features, "skips": tiles_given(self._skips(), ("tile", "byte"), GRID)}

    def _skips(self) -> NDArray[np.uint8]:
        """Bytes in the network's layout that unpack to finite activations and valid places."""
        parts = []
        for name, shape, _ in skips_layout(self.preset, GRID.patch):
            whole = (GRID.slots, *shape)
            part = self.random.normal(size=whole) if name == "float16" else self.random.integers(0, 3, whole)
            parts.append(part.astype(name).reshape(GRID.slots, -1).view(np.uint8))
        return np.concatenate(parts, axis=1)

    def blender(self) -> dict[str, Given]:
        patches = np.zeros((GRID.slots, GRID.patch, GRID.patch), np.float32)
        for slot in self.queries:
            patches[slot] = self._cut("alpha", slot)
        given_patches = tiles_given(patches, ("tile", "y", "x"), GRID, slots=self.queries)
        return {"patches": given_patches, "tiles": self.tiles, "trimap": self.pictures["trimap"]}
