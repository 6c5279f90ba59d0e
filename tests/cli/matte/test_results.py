"""``hdmatt matte`` on files: what a person gets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from hdmatt_core.testing import Scene

Hdmatt = Callable[..., tuple[int, str]]


def values(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_alpha_and_cutout(hdmatt: Hdmatt, picture: Scene) -> None:
    assert hdmatt("matte photo.png trimap.png -o alpha.png --foreground cutout.png") == (0, "")
    alpha, cutout = values("alpha.png"), values("cutout.png")
    assert alpha.shape == (180, 240)
    assert alpha.dtype == np.uint8
    assert (alpha[picture.trimap != 128] == picture.trimap[picture.trimap != 128]).all()
    assert cutout.shape == (180, 240, 4)
    assert (cutout[..., 3] == alpha).all()
    assert (cutout[alpha == 255, :3] == picture.image[alpha == 255]).all()
    assert sorted(p.name for p in Path().iterdir()) == ["alpha.png", "cutout.png", "photo.png", "trimap.png"]


def test_a_page_about_the_run(hdmatt: Hdmatt) -> None:
    assert hdmatt("matte photo.png trimap.png -o a.png --report page.html") == (0, "")
    assert hdmatt("run hdmatt -i image=photo.png -i trimap=trimap.png -o alpha=b.png --keep-run") == (0, "")
    for page in ("page.html", "b.png.run/report.html"):
        assert "Finished in " in Path(page).read_text()
    assert not Path("a.png.run").exists()


def test_depths_and_formats(hdmatt: Hdmatt) -> None:
    assert hdmatt("matte photo.png trimap.png -o a.tif --depth float")[0] == 0
    assert hdmatt("matte photo.png trimap.png -o a.png --depth 16")[0] == 0
    assert hdmatt("matte photo.png trimap.png -o a.zarr")[0] == 0
    exact = tifffile.imread("a.tif")
    assert exact.dtype == np.float32
    sixteen = values("a.png")
    assert np.abs(sixteen / 65535 - exact).max() <= 0.5 / 65535 + 1e-7
    eight = zarr.open_array("a.zarr", mode="r")
    assert eight.shape == (180, 240)
    assert (eight[:] == np.floor(exact * 255 + 0.5)).all()


def test_sixteen_bits_are_not_reduced_on_the_way(hdmatt: Hdmatt, picture: Scene) -> None:
    deep = picture.image.astype(np.uint16) * 257
    deep[..., 0] += 100
    tifffile.imwrite("deep.tif", deep, photometric="rgb")
    assert hdmatt("matte deep.tif trimap.png -o alpha.png --foreground cutout.tif")[0] == 0
    cutout = tifffile.imread("cutout.tif")
    inside = picture.trimap == 255
    assert cutout.dtype == np.uint16
    assert (cutout[inside][:, :3] == deep[inside]).all()


def test_displayed_orientation_in_and_out(hdmatt: Hdmatt, picture: Scene) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(picture.image)).save("turned.png", exif=exif)
    assert hdmatt("matte photo.png trimap.png -o upright.png") == (0, "")
    assert hdmatt("matte turned.png trimap.png -o turned_alpha.png") == (0, "")
    assert (values("turned_alpha.png") == values("upright.png")).all()


@pytest.mark.parametrize("size", [(1, 1), (7, 2000), (2000, 7), (40, 40)])
def test_odd_sizes(hdmatt: Hdmatt, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    trimap = np.full(size, 128, np.uint8)
    trimap[:1] = 255
    Image.fromarray(pixels).save("photo.png")
    Image.fromarray(trimap).save("trimap.png")
    assert hdmatt("matte photo.png trimap.png -o alpha.png")[0] == 0
    assert values("alpha.png").shape == size


def test_other_values_in_the_trimap(hdmatt: Hdmatt, picture: Scene) -> None:
    Image.fromarray(np.where(picture.trimap == 128, 120, picture.trimap).astype(np.uint8)).save("trimap.png")
    assert hdmatt("matte photo.png trimap.png -o a.png")[1].startswith(f"warning: {Path('trimap.png').absolute()}: ")
    Image.fromarray(picture.trimap).save("trimap.png")
    assert hdmatt("matte photo.png trimap.png -o b.png") == (0, "")
    assert (values("a.png") == values("b.png")).all()


def test_a_trimap_in_colour(hdmatt: Hdmatt, picture: Scene) -> None:
    Image.fromarray(np.repeat(picture.trimap[..., None], 3, axis=2)).save("rgb.png")
    Image.fromarray(picture.trimap).convert("P").save("palette.png")
    for name in ("rgb", "palette", "trimap"):
        assert hdmatt(f"matte photo.png {name}.png -o {name}_alpha.png")[0] == 0
    assert (values("rgb_alpha.png") == values("trimap_alpha.png")).all()
    assert (values("palette_alpha.png") == values("trimap_alpha.png")).all()


def test_a_region_and_a_preview(hdmatt: Hdmatt) -> None:
    assert hdmatt("matte photo.png trimap.png -o alpha.png") == (0, "")
    assert hdmatt("matte photo.png trimap.png -o part.png --roi 20:120,30:200") == (0, "")
    assert (values("part.png") == values("alpha.png")[20:120, 30:200]).all()
    look = "matte photo.png trimap.png -o look.png --foreground look.tif --preview 1/3"
    assert hdmatt(look) == (0, "a preview at 1/3 of the picture's sides: 80 x 60 pixels\n")
    assert values("look.png").shape == tifffile.imread("look.tif").shape[:2] == (60, 80)
    ask = "run hdmatt -i image=photo.png -i trimap=trimap.png -o alpha=part.png --overwrite --roi 20:120,30:200"
    assert hdmatt(f"{ask} --preview 1/3") == (0, "a preview at 1/3 of the picture's sides: 57 x 34 pixels\n")
    assert (values("part.png") == values("look.png")[6:40, 10:67]).all()


def test_nothing_unknown_is_answered_at_once(hdmatt: Hdmatt, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(compute: object) -> object:
        raise AssertionError("the network was loaded")

    monkeypatch.setattr("hdmatt_core.runtime.models.network", refuse)
    Image.fromarray(np.full((180, 240), 255, np.uint8)).save("trimap.png")
    assert hdmatt("matte photo.png trimap.png -o alpha.png") == (0, "")
    assert (values("alpha.png") == 255).all()


def test_nothing_known_works_with_a_warning(hdmatt: Hdmatt) -> None:
    Image.fromarray(np.full((180, 240), 128, np.uint8)).save("trimap.png")
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png")
    assert (code, said) == (
        0, "warning: the trimap is unknown everywhere; paint some foreground white and some background black\n"
    )  # fmt: skip
    assert values("alpha.png").shape == (180, 240)


def test_an_edit_is_updated_and_the_tiles_are_counted(hdmatt: Hdmatt) -> None:
    """Killed in the middle it says the same command, for there may be another edit to see."""
    command = "matte photo.png trimap.png -o alpha.png"
    assert hdmatt(f"{command} --keep-run") == (0, "")
    trimap = values("trimap.png").copy()
    trimap[-9:, -9:] = 128
    Image.fromarray(trimap).save("trimap.png")
    code, said = hdmatt(f"{command} --update")
    assert code == 0
    small, known, far, palette, *of_small, encode, decode, blend = said.splitlines()
    assert small == "small: 0 of 1 blocks made again"
    assert [line.partition(":")[0] for line in of_small] == [
        "small_known", "small_far", "small_palette", "small_patches", "overview"
    ]  # fmt: skip
    assert re.fullmatch(r"known: \d+ of \d+ tiles made again", known)
    assert (far, palette) == ("far: 1 of 1 blocks made again", "palette: 1 of 1 blocks made again")
    assert re.fullmatch(r"encode: \d+ of 9 tiles made again", encode)
    assert re.fullmatch(r"pick\+fuse\+decode: \d+ of \d+ tiles made again(, \d+ of them through encode)?", decode)
    assert blend == "blend: 1 of 1 blocks made again"
    alpha = values("alpha.png")
    assert json.loads(Path("alpha.png.run/run.json").read_text())["command"].split()[-1] != "--resume"
    assert hdmatt(f"{command} --overwrite") == (0, "")
    assert (values("alpha.png") == alpha).all()


def test_a_folder_is_a_batch_and_one_bad_file_does_not_stop_the_others(hdmatt: Hdmatt, picture: Scene) -> None:
    for folder in ("photos", "trimaps"):
        Path(folder).mkdir()
    for name in ("a", "b", "c"):
        Image.fromarray(picture.image).save(f"photos/{name}.png")
        Image.fromarray(picture.trimap).save(f"trimaps/{name}.png")
    Path("photos/b.png").write_text("broken")
    code, said = hdmatt("matte photos --trimaps trimaps -o alphas")
    assert code == 2
    assert "2 matted, 1 failed" in said
    assert sorted(p.name for p in Path("alphas").glob("[!.]*")) == ["a.png", "c.png"]
    Image.fromarray(picture.image).save("photos/b.png")
    code, said = hdmatt("matte photos --trimaps trimaps -o alphas --resume")
    assert (code, said) == (0, "1 matted, 2 there already, 0 failed\n")


def test_a_folder_goes_on_with_nothing_that_would_be_another_matte_now(hdmatt: Hdmatt, picture: Scene) -> None:
    for folder in ("photos", "trimaps", "alphas"):
        Path(folder).mkdir()
    for name in ("a", "b"):
        Image.fromarray(picture.image).save(f"photos/{name}.png")
        Image.fromarray(picture.trimap).save(f"trimaps/{name}.png")
    again = "matte photos --trimaps trimaps -o alphas --synchronous --resume"
    assert hdmatt(again) == (0, "2 matted, 0 failed\n")
    Image.fromarray(picture.image[::-1]).save("photos/b.png")
    code, said = hdmatt(again)
    assert code == 2
    what = "alphas/b.png is there, changed since: input 'image'; add --overwrite to make such anew"
    assert said.splitlines()[0] == f"error: {what}"
    assert said.splitlines()[1] == "0 matted, 1 there already, 1 failed"
    code, said = hdmatt(f"{again} --set pick.k=2 --depth 16")
    assert code == 2
    assert "a.png is there, changed since: depth of output 'alpha', stage 'pick'; add --overwrite" in said
    assert hdmatt(f"{again} --overwrite") == (0, "1 matted, 1 there already, 0 failed\n")
    assert hdmatt(again) == (0, "0 matted, 2 there already, 0 failed\n")


def test_a_matte_that_nobody_noted_counts_as_there(hdmatt: Hdmatt, picture: Scene) -> None:
    for folder in ("photos", "trimaps", "alphas"):
        Path(folder).mkdir()
    for place, values in (("photos", picture.image), ("trimaps", picture.trimap), ("alphas", picture.trimap)):
        Image.fromarray(values).save(f"{place}/a.png")
    Path("alphas/.hdmatt.jsonl").write_text('\n{"a.png": {"weights": "12\n[1]\n')  # cut short by a crash
    code, said = hdmatt("matte photos --trimaps trimaps -o alphas --resume")
    assert (code, said) == (0, "0 matted, 1 there already, 0 failed\n")


def test_ctrl_c_says_how_to_go_on(hdmatt: Hdmatt, monkeypatch: pytest.MonkeyPatch) -> None:
    from hdmatt_core.storage.ledger import Ledger

    marked, original = [0], Ledger.mark

    def interrupt(self: Ledger, block: int) -> None:
        original(self, block)
        marked[0] += 1
        if marked[0] == 14:
            raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "mark", interrupt)
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png --synchronous")
    assert code == 130
    assert said.startswith("go on with: hdmatt matte photo.png trimap.png -o alpha.png")
    monkeypatch.setattr(Ledger, "mark", original)
    assert hdmatt("matte photo.png trimap.png -o alpha.png --synchronous --resume") == (0, "")
