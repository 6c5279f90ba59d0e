"""A kept run is taken up after an edit: only what the edit concerns is made again, and the bits are a fresh run's."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hdmatt_stages.sampler import TopK

from hdmatt_core.errors import ResumeError, UserError
from hdmatt_core.runtime.events import BlockDone, Event, OutputWritten
from hdmatt_core.runtime.job import Job
from hdmatt_core.runtime.run import run
from hdmatt_core.runtime.workspace import Workspace

Edited = Any  # of this folder's conftest


def test_without_a_run_it_starts_and_keeps_it(new: Edited) -> None:
    told = new.told()
    assert [event.name for event in told] == list(new.PASSES)
    assert [event.made for event in told] == [event.of for event in told]
    assert new.path.with_name("alpha.zarr.run").exists()


def test_an_edit_in_a_corner_makes_what_it_concerns(edited: Edited) -> None:
    edited.spot()
    known, far, palette, encode, decode, blend = edited.told()
    assert (known.made, far.made, palette.made) == (4, 0, 1)  # the corner's block; the mean colours there stay the same
    assert (encode.made, encode.of, encode.unit) == (19, 43, "tiles")  # of the blocks that see the corner's palette
    assert 0 < decode.made < decode.of
    assert (0 < blend.made <= blend.of, blend.of, blend.unit) == (True, 2, "blocks")
    assert np.array_equal(edited.alpha(), edited.fresh())


def test_nothing_changed_and_nothing_is_made(edited: Edited) -> None:
    heard: list[Event] = []
    run(edited.request(update=True), heard.append)
    assert not [event for event in heard if isinstance(event, BlockDone)]
    assert [event for event in heard if isinstance(event, OutputWritten)]


def test_another_file_of_the_same_meaning_makes_nothing(edited: Edited) -> None:
    edited.trimap[edited.trimap == 0] = 3
    assert edited.update() == dict.fromkeys(edited.PASSES, 0)


def test_pixels_of_the_image_count_as_well(edited: Edited) -> None:
    edited.image[50, 20] ^= 255
    encode, decode, _ = edited.told()[3:]
    assert 8 <= encode.made <= 20  # of the blocks that see the pixel, and those whose palettes it moves
    assert 0 < decode.made < decode.of
    assert np.array_equal(edited.alpha(), edited.fresh())


def test_an_overview_tells_of_an_edit(new: Edited) -> None:
    """An edit at the left end shows in the small picture, and in the patches of the full size that it is told to."""
    options = {"pipeline": "hdmatt", "settings": ("small_tiles.patch=64", "small_tiles.overlap=16")}
    run(new.request(keep_run=True, **options))
    new.spot()
    made = new.update(**options)
    assert 0 < made["small_patches"] < 14
    assert 0 < made["encode"] < 46
    assert np.array_equal(new.alpha(), run(new.request(outputs={"alpha": None}, **options)).arrays["alpha"])


def test_the_unknown_region_shrinks_and_grows(edited: Edited) -> None:
    """Tiles cease to be asked for and come to be; the store is as a fresh one, with no rows of before."""
    for columns, value in ((slice(590, 1200), 0), (slice(800, 1190), 128)):
        edited.trimap[40:150, columns] = value
        edited.update()
        updated = edited.arrays()
        run(edited.request(overwrite=True, keep_run=True))
        for name, array in edited.arrays().items():
            assert np.array_equal(array, updated[name]), name


class Spied:
    """What each query chose, and which tiles were decoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chosen: dict[int, list[int]] = {}
        self.decoded: list[int] = []
        choose, store = TopK.run, Workspace.write_rows

        def choosing(stage: TopK, block: Any, context: Any) -> Any:
            made = choose(stage, block, context)
            self.chosen.update(zip(block.target.slots, made["choice"].tolist(), strict=True))
            return made

        def storing(space: Workspace, ref: Any, target: Any, *given: Any) -> None:
            self.decoded.extend(target.slots if ref.node == "decode" else ())
            store(space, ref, target, *given)

        monkeypatch.setattr(TopK, "run", choosing)
        monkeypatch.setattr(Workspace, "write_rows", storing)


def test_tiles_are_decoded_again_if_they_or_their_contexts_changed(
    leafy: Edited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And with them their whole blocks where batches show in the bits."""
    edited, spied = leafy, Spied(monkeypatch)
    run(edited.request(keep_run=True))
    before, chosen_before = edited.arrays()["encode.features"], dict(spied.chosen)
    shutil.copytree(tmp_path, tmp_path / "another")
    spied.chosen.clear()
    spied.decoded.clear()
    edited.spot()
    edited.update()
    changed = (edited.arrays()["encode.features"] != before).any(axis=(1, 2, 3))
    looks_elsewhere = {slot for slot, names in spied.chosen.items() if names != chosen_before.get(slot)}
    looks_at_changed = {slot for slot, names in spied.chosen.items() if changed[names].any()}
    seeing, queries = {slot for slot in spied.chosen if slot < 20}, set(spied.chosen)
    alone = seeing | looks_elsewhere | looks_at_changed
    assert sorted(spied.decoded) == sorted(alone)
    assert seeing < alone < queries
    spied.decoded.clear()
    monkeypatch.setattr(Job, "tiles_alone", False)
    edited.path = tmp_path / "another" / "alpha.zarr"
    edited.update()
    together = {slot for slot in queries if slot // 4 in {one // 4 for one in alone}}
    assert sorted(spied.decoded) == sorted(together)
    assert alone < together


def test_an_edit_taken_back_gives_the_first_matte(edited: Edited) -> None:
    first, before = edited.alpha(), edited.trimap.copy()
    edited.spot()
    edited.update()
    edited.trimap[:] = before
    assert edited.update()["encode"] == 19
    assert np.array_equal(edited.alpha(), first)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("pipeline", ["hdmatt", "quick"])
def test_any_edits_leave_the_store_of_a_fresh_run(new: Edited, tmp_path: Path, pipeline: str) -> None:
    """Arrays and digests alike, the cut-out's included."""
    edited, random = new, np.random.default_rng(2)
    outputs = {"alpha": edited.path, "foreground": tmp_path / "foreground.zarr"}
    for _ in range(5):
        edited.update(pipeline=pipeline, outputs=outputs)
        updated = edited.arrays(), edited.arrays("served.zarr")
        shutil.move(edited.path.with_name("alpha.zarr.run"), tmp_path / "aside")
        run(edited.request(pipeline=pipeline, outputs=outputs, overwrite=True, keep_run=True))
        for before, after in zip(updated, (edited.arrays(), edited.arrays("served.zarr")), strict=True):
            assert before.keys() == after.keys()
            assert [name for name in before if not np.array_equal(before[name], after[name])] == []
        shutil.rmtree(edited.path.with_name("alpha.zarr.run"))
        shutil.move(tmp_path / "aside", edited.path.with_name("alpha.zarr.run"))
        y, x, height, width = random.integers((0, 0, 1, 1), (150, 1150, 60, 200))
        edited.trimap[y : y + height, x : x + width] = random.choice([0, 128, 255])
        edited.image[y // 2, x // 2] ^= 1


@pytest.mark.slow
def test_workers_make_the_same(edited: Edited) -> None:
    edited.spot()
    assert edited.update(workers=2)["encode"] == 19
    assert np.array_equal(edited.alpha(), edited.fresh())


@pytest.mark.parametrize(
    ("change", "named"),
    [({"settings": ("pick.k=2",)}, "stage 'pick'"), ({"seed": 5}, "seed"), ({"dtype": "bfloat16"}, "arithmetic")],
)
def test_what_else_changed_is_refused_by_name(edited: Edited, change: dict[str, object], named: str) -> None:
    edited.spot()
    words = f"cannot update, changed since: {named}; start anew with --overwrite --keep-run"
    with pytest.raises(ResumeError, match=words):
        edited.update(**change)
    assert edited.path.with_name("alpha.zarr.run").exists()


def test_other_weights_are_refused(edited: Edited, tmp_path: Path) -> None:
    import torch

    from hdmatt_core.nn.network import HDMatt
    from hdmatt_core.nn.weights import save

    torch.manual_seed(1)
    save(HDMatt("hdmatt-s"), tmp_path / "other.safetensors", commit="0" * 40, data="none: random")
    with pytest.raises(ResumeError, match="cannot update, changed since: weights; start anew"):
        edited.update(settings=(f"weights={tmp_path / 'other.safetensors'}",))


def test_a_picture_of_another_size_is_refused(edited: Edited) -> None:
    edited.image, edited.trimap = edited.image[:, 1:], edited.trimap[:, 1:]
    with pytest.raises(ResumeError, match="size of input 'image', size of input 'trimap'; start anew"):
        edited.update()


def test_without_a_path_there_is_no_run_to_take_up(new: Edited) -> None:
    with pytest.raises(UserError, match="give a path for the first one"):
        new.update(outputs={"alpha": None})
