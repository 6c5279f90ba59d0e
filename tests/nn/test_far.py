"""Far colours: means from anywhere in a picture, near ones first."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from hdmatt_core.nn.far import far_cells, spread_far
from hdmatt_core.nn.inputs import normalised

RED, BLUE = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])


def chart(rows: int, columns: int, known: dict[tuple[int, int], tuple[torch.Tensor, float]]) -> torch.Tensor:
    """What is known of tiles: foreground of a colour in a share of their pixels, no background."""
    made = torch.zeros(1, 8, rows, columns)
    for (row, column), (colour, share) in known.items():
        weight = torch.full((1, 1, 1, 1), share)
        made[0, :3, row, column] = normalised(colour[None, :, None, None] * share, weight)[0, :, 0, 0]
        made[0, 3, row, column] = share
    return made


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_one_known_tile_is_seen_from_everywhere(rows: int, columns: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    far = spread_far(chart(rows, columns, {place: (RED, 0.001)}))
    assert far[0, :4].permute(1, 2, 0).eq(torch.tensor([255, 0, 0, 255])).all()
    assert far[0, 4:].eq(0).all()


def test_near_colours_come_first() -> None:
    far = spread_far(chart(1, 16, {(0, 0): (RED, 0.2), (0, 15): (BLUE, 0.2)}))[0]
    assert far[0, 0, 1] > 200 > 50 > far[2, 0, 1]
    assert far[2, 0, 14] > 200 > 50 > far[0, 0, 14]


def test_an_edit_changes_the_tiles_around_it_alone() -> None:
    known = {(row, column): (RED if column % 2 else BLUE, 0.3) for row in range(16) for column in range(16)}
    before, after = (spread_far(chart(16, 16, known | {(15, 15): (colour, 0.31)})) for colour in (RED, BLUE))
    changed = (before != after).any(dim=1)[0]
    assert changed[14:, 14:].all()
    assert changed.sum() == 4


def test_cells_are_interpolated_between_the_middles_of_tiles() -> None:
    far = torch.zeros(1, 8, 1, 4, dtype=torch.uint8).expand(1, 8, 3, 4).clone()
    far[:, 3] = torch.tensor([0, 0, 255, 255], dtype=torch.uint8)
    cells = far_cells(far, 4)
    assert cells.shape == (1, 8, 4, 8)
    assert torch.allclose(cells[0, 3, 0], torch.tensor([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1]))
