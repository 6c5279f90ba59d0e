"""Known colours of the whole picture: what the stages make of it is what the network was trained with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hdmatt_stages import Far, GridTiler, Known, Palette, ResNet
from hdmatt_stages.anywhere import far_around, likely_cells, palette_of, palettes_around, slots_around

from hdmatt_core.errors import UserError
from hdmatt_core.geometry import Box, Grid
from hdmatt_core.nn.evidence import known_cells, near_lines
from hdmatt_core.nn.far import far_cells, spread_far
from hdmatt_core.nn.inputs import make_input
from hdmatt_core.nn.palette import counted, likely, looked_up
from hdmatt_core.nn.solved import gathered
from hdmatt_core.stage import TileRows
from hdmatt_core.testing import Given, complete, given, scene, standard_inputs

PATCH, OVERLAP = 64, 16


def made(height: int, width: int, side: int) -> tuple[dict[str, Given], dict[str, Given], Grid]:
    """A scene of which every patch is a query, what the stages make of it, and its grid."""
    picture = scene(height, width, seed=1)
    trimap = picture.trimap.copy()
    trimap[::48, ::48] = 128
    pictures = {"image": given(picture.image), "trimap": given(trimap)}
    tiles = complete(GridTiler(GridTiler.Params(patch=PATCH, overlap=OVERLAP, side=side)), pictures)
    known = complete(Known(Known.Params()), {"tiles": tiles["tiles"], **pictures})
    far = complete(Far(Far.Params()), {"means": known["means"]})
    grid = tiles["tiles"].spec.grid
    assert grid is not None
    return pictures, known | far | complete(Palette(Palette.Params()), {"counts": known["counts"]}), grid


def test_far_colours_are_those_of_the_whole_picture() -> None:
    pictures, told, grid = made(96, 240, side=2)
    cells = known_cells(make_input(pictures["image"].array[None], pictures["trimap"].array[None]))
    want = spread_far(gathered(cells[:, :8], grid.stride // 8))
    found = [[told["far"].array[grid.slot(row, column)] for column in range(5)] for row in range(2)]
    assert np.abs(np.array(found).astype(int) - want[0].permute(1, 2, 0).numpy().astype(int)).max() <= 1


def test_a_box_gets_the_far_colours_that_the_whole_picture_has_there() -> None:
    _, told, grid = made(200, 300, side=2)
    rows, columns = grid.counts
    chart = np.array([[told["far"].array[grid.slot(row, column)] for column in range(columns)] for row in range(rows)])
    edged = np.pad(chart, ((1, 1), (1, 1), (0, 0)), mode="edge")
    whole = far_cells(torch.from_numpy(edged).permute(2, 0, 1)[None], grid.stride // 8)
    box = Box((40, 96), (104, 192))
    slots = slots_around(grid, box)
    part = far_around(TileRows(slots, told["far"].array[list(slots)]), grid, box)
    assert torch.allclose(part, whole[:, :, 5:13, 12:24], atol=1e-5)
    beyond = far_around(TileRows(tuple(range(grid.slots)), told["far"].array), grid, Box((-64, -64), (64, 64)))
    assert beyond.shape == (1, 8, 16, 16)


def test_one_block_has_the_palette_of_the_whole_picture() -> None:
    pictures, told, _ = made(192, 192, side=4)
    want = likely(counted(make_input(pictures["image"].array[None], pictures["trimap"].array[None])))
    found = told["palette"].array.astype(int)
    assert found.shape == (1, 1, want.numel())
    assert np.abs(found.ravel() - want.flatten().numpy().astype(int)).mean() < 4


def test_palettes_go_over_into_one_another() -> None:
    grid = Grid((960, 960), PATCH, OVERLAP, 2)
    window = np.zeros((*grid.block_counts, 2 * 12**3), np.uint8)
    window[:, 5:] = 255
    columns = grid.counts[1]
    values = [float(palette_of(window, (0, 0), grid, grid.slot(7, column)).mean()) for column in range(columns)]
    assert values[0] == 0
    assert values[-1] == 255
    assert np.all(np.diff(values) >= 0)
    assert np.diff(values).max() < 255 / 2 + 1
    slot = grid.slot(7, 8)
    box = palettes_around(grid, grid.box(slot))
    assert 1 < np.prod(box.shape) < np.prod(window.shape[:2])
    part = palette_of(window[box.slices], box.start, grid, slot)
    assert part.equal(palette_of(window, (0, 0), grid, slot))


def test_each_cell_takes_the_palette_of_its_patch_and_outer_ones_reach_beyond_the_grid() -> None:
    grid = Grid((960, 960), PATCH, OVERLAP, 2)
    random = np.random.default_rng(4)
    window = random.integers(0, 256, (*grid.block_counts, 2 * 12**3), np.uint8)
    box = Box((-64, 104), (3 * grid.stride, 200))
    colour = torch.from_numpy(random.normal(size=(1, 3, *(side // 8 for side in box.shape))).astype(np.float32))
    found = likely_cells(window, (0, 0), grid, box, colour)
    for y, x in ((0, 0), (9, 3), (found.shape[2] - 1, found.shape[3] - 1)):
        row, column = (max(0, start + 8 * at) // grid.stride for start, at in zip(box.start, (y, x), strict=True))
        table = palette_of(window, (0, 0), grid, grid.slot(row, column))
        assert torch.allclose(found[:, :, y, x], looked_up(table, colour)[:, :, y, x], atol=1e-6)


def test_far_colours_reach_what_near_ones_do_not() -> None:
    cells = torch.zeros(1, 11, 8, 8)
    far = torch.zeros(1, 8, 8, 8)
    far[:, 0], far[:, 3], far[:, 6], far[:, 7] = 1, 1, 1, 1
    assert near_lines(cells, torch.zeros_like(far))[:, 4].eq(0).all()
    assert 0.2 < near_lines(cells, far)[:, 4].min() < 0.25  # far colours of both are believed half each


def test_an_encoder_that_is_told_of_colours_says_which_are_missing() -> None:
    inputs = {port: value.spec for port, value in standard_inputs("encoder").items() if port != "palette"}
    with pytest.raises(UserError, match="is told of known colours: wire palette, from"):
        ResNet(ResNet.Params()).infer(inputs)
    for port in ("far", "palette"):
        inputs.pop(port, None)
    assert ResNet(ResNet.Params(preset="hdmatt-r34")).infer(inputs)


def test_an_encoder_that_sees_patches_alone_is_told_of_nothing_else() -> None:
    inputs = {port: value.spec for port, value in standard_inputs("encoder").items()}
    encoder = ResNet(ResNet.Params(evidence="patch"))
    told = ("far", "palette", "overview")
    with pytest.raises(UserError, match=f"sees nothing beyond a patch: leave out {' and '.join(told)}, or"):
        encoder.infer(inputs)
    for port in told:
        del inputs[port]
    assert encoder.infer(inputs)
