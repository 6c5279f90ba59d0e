"""``hdmatt matte`` on files: what a person gets, and what they read when something is wrong."""

from __future__ import annotations

import errno
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from hdmatt_core.cli import main
from hdmatt_core.runtime.workspace import Workspace
from hdmatt_core.testing import Scene, scene

Hdmatt = Callable[..., tuple[int, str]]
SMALL = ("tiles.patch=96", "tiles.overlap=16", "tiles.side=2")


@pytest.fixture(scope="module")
def picture() -> Scene:
    return scene(180, 240, seed=1)


@pytest.fixture
def hdmatt(
    weights: Path, picture: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Hdmatt:
    """Run a command in a folder with photo.png and trimap.png; gives the exit code and what was said."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(picture.image).save("photo.png")
    Image.fromarray(picture.trimap).save("trimap.png")

    def run(command: str, *settings: str, own_weights: bool = False) -> tuple[int, str]:
        given = settings if own_weights else (f"weights={weights}", *settings)
        words = [*command.split(), *(w for s in (*SMALL, *given) for w in ("--set", s))]
        monkeypatch.setattr(sys, "argv", ["hdmatt", *words])
        capfd.readouterr()
        code = main(words)
        return code, capfd.readouterr().err

    return run


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


def test_sizes_differ(hdmatt: Hdmatt) -> None:
    Image.fromarray(np.zeros((50, 60), np.uint8)).save("trimap.png")
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png")
    assert code == 2
    assert "hdmatt.yaml:8:3: stage 'tiles' (tiler.grid)" in said
    assert "240 x 180" in said
    assert "60 x 50" in said


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


GOLDEN = {
    "matte missing.png trimap.png -o a.png": "error: missing.png: no such file\n",
    "matte photo.png -o a.png": (
        "error: photo.png: a trimap is needed: hdmatt matte photo.png TRIMAP -o a.png; "
        "hdmatt trimap makes one from a rough mask\n"
    ),
    "matte photo.png trimap.png -o a.png --memory lots": ("error: 'lots' is not a size; write 2GB, 512MB or 1.5GiB\n"),
    "matte photo.png trimap.png -o there.png": "error: there.png exists; give --overwrite, or another output\n",
    "matte photo.png trimap.png -o a.png --report page.txt": (
        "error: --report page.txt: the report is a page; give --report FILE.html\n"
    ),
    "matte photo.png trimap.png -o a.png --report there.html": None,
    "matte . --trimaps . -o alphas --report page.html": (
        "error: --report is of one picture; for a folder, --keep-run leaves one in each run's store\n"
    ),
    "matte photo.png trimap.png -o a.png --foreground c.jpg": None,
    "matte photo.png trimap.png -o a.png --depth float": None,
    "run hdmatt -i image=photo.png -o alpha=a.png": (
        "error: the pipeline's input 'trimap' is not given; add -i trimap=PATH\n"
    ),
    "run hdmatt -i image=photo.png -i trimap=trimap.png -o matte=a.png": (
        "error: the pipeline has no output 'matte'; it has: alpha, foreground\n"
    ),
    "run hdmatt -i image=photo.png -i trimap=trimap.png -i mask=trimap.png -o alpha=a.png": (
        "error: the pipeline has no input 'mask'; it has: image, trimap\n"
    ),
    "run hdmatt -i image -o alpha=a.png": "error: -i image: write -i NAME=PATH\n",
    "matte photo.png trimap.png -o a.png --preview 8": (
        "error: --preview 8: write 1/N with a whole number N from 2 on, as --preview 1/8\n"
    ),
    "matte photo.png trimap.png -o a.png --preview 1/1": (
        "error: --preview 1/1: write 1/N with a whole number N from 2 on, as --preview 1/8\n"
    ),
    "matte photo.png trimap.png -o a.png --roi 10,20": (
        "error: --roi 10,20: is not of the form y0:y1,x0:x1; the picture is 240 x 180 pixels: "
        "write y0:y1,x0:x1 with 0 <= y0 < y1 <= 180 and 0 <= x0 < x1 <= 240\n"
    ),
    "matte photo.png trimap.png -o a.png --roi 5:5,0:240": (
        "error: --roi 5:5,0:240: holds no pixel; the picture is 240 x 180 pixels: "
        "write y0:y1,x0:x1 with 0 <= y0 < y1 <= 180 and 0 <= x0 < x1 <= 240\n"
    ),
    "matte photo.png trimap.png -o a.png --preview 1/8 --roi 0:240,0:180": (
        "error: --roi 0:240,0:180: reaches beyond the picture; the picture is 240 x 180 pixels: "
        "write y0:y1,x0:x1 with 0 <= y0 < y1 <= 180 and 0 <= x0 < x1 <= 240\n"
    ),
    "run hdmatt -i image=photo.png": "error: hdmatt run: nothing to make; give at least one -o NAME=PATH\n",
}


@pytest.mark.parametrize("command", GOLDEN)
def test_mistakes_are_one_line_and_leave_nothing(hdmatt: Hdmatt, command: str) -> None:
    Path("there.png").write_bytes(b"mine")
    Path("there.html").write_bytes(b"mine")
    before = sorted(Path().iterdir())
    code, said = hdmatt(command)
    assert code == 2
    assert said == (GOLDEN[command] or said)
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1
    assert sorted(Path().iterdir()) == before
    assert Path("there.png").read_bytes() == b"mine"


def test_too_little_memory_is_refused_with_the_figure(hdmatt: Hdmatt) -> None:
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png --memory 300MB")
    assert code == 2
    assert re.match(r"error: --memory 300 MB: this run needs at least \d+ MB; give more, or fewer --workers\n", said)
    assert not Path("alpha.png.run").exists()


@pytest.mark.parametrize("name", ["photo.png", "trimap.png"])
def test_a_truncated_file(hdmatt: Hdmatt, name: str) -> None:
    Path(name).write_bytes(Path(name).read_bytes()[:900])
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png")
    assert code == 2
    assert said.startswith(f"error: {Path(name).absolute()}: ")
    assert not Path("alpha.png").exists()


def test_not_an_image(hdmatt: Hdmatt) -> None:
    Path("photo.png").write_text("hello")
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png")
    assert code == 2
    assert "photo.png" in said
    assert len(said.splitlines()) == 1


def test_not_a_number(hdmatt: Hdmatt, picture: Scene) -> None:
    pixels = (picture.image / 255).astype(np.float32)
    pixels[5, 7, 1] = np.nan
    tifffile.imwrite("nan.tif", pixels, photometric="rgb")
    code, said = hdmatt("matte nan.tif trimap.png -o alpha.png")
    assert code == 2
    assert "nan.tif" in said
    assert "holds nan at y=5, x=7" in said


def test_an_unwritable_folder(hdmatt: Hdmatt) -> None:
    assert hdmatt("matte photo.png trimap.png -o nowhere/alpha.png") == (
        2, f"error: nowhere/alpha.png: the folder {Path('nowhere').absolute()} does not exist (output 'alpha')\n"
    )  # fmt: skip


def test_the_disk_is_full(hdmatt: Hdmatt, monkeypatch: pytest.MonkeyPatch) -> None:
    written, original = [0], Workspace.write_rows

    def fail(self: Workspace, *arguments: object) -> None:
        written[0] += 1
        if written[0] == 16:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Workspace, "write_rows", fail)
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png --synchronous")
    assert code == 2
    first, second = said.splitlines()
    assert first == f"error: {Path('alpha.png.run').absolute()}: the disk is full; make space, then resume"
    assert second.startswith("  go on with: hdmatt matte photo.png trimap.png -o alpha.png")
    assert second.endswith("--resume")
    assert not Path("alpha.png").exists()
    monkeypatch.setattr(Workspace, "write_rows", original)
    assert hdmatt("matte photo.png trimap.png -o alpha.png --synchronous --resume") == (0, "")


def test_an_edit_is_updated_and_the_tiles_are_counted(hdmatt: Hdmatt) -> None:
    """Killed in the middle it says the same command, for there may be another edit to see."""
    command = "matte photo.png trimap.png -o alpha.png"
    assert hdmatt(f"{command} --keep-run") == (0, "")
    trimap = values("trimap.png").copy()
    trimap[-9:, -9:] = 128
    Image.fromarray(trimap).save("trimap.png")
    code, said = hdmatt(f"{command} --update")
    assert code == 0
    encode, decode, blend = said.splitlines()
    assert re.fullmatch(r"encode: \d+ of 9 tiles made again", encode)
    assert re.fullmatch(r"pick\+fuse\+decode: \d+ of \d+ tiles made again(, \d+ of them through encode)?", decode)
    assert blend == "blend: 1 of 1 blocks made again"
    alpha = values("alpha.png")
    assert json.loads(Path("alpha.png.run/run.json").read_text())["command"].split()[-1] != "--resume"
    assert hdmatt(f"{command} --overwrite") == (0, "")
    assert (values("alpha.png") == alpha).all()


def test_weights_that_were_tampered_with(hdmatt: Hdmatt, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hdmatt_core.runtime.models._models", {})
    spoilt = bytearray(weights.read_bytes())
    spoilt[-1] ^= 1
    Path("spoilt.safetensors").write_bytes(spoilt)
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png", "weights=spoilt.safetensors", own_weights=True)
    assert code == 2
    assert "spoilt.safetensors" in said
    assert "sha256" in said


def test_weights_of_another_preset(hdmatt: Hdmatt) -> None:
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png", "encode.preset=hdmatt-r34")
    assert code == 2
    assert "stage 'encode' is set for the preset 'hdmatt-r34', but" in said


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="there is a CUDA device")
def test_no_cuda_when_asked_for(hdmatt: Hdmatt) -> None:
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png --device cuda")
    assert code == 2
    assert said.endswith("finds no such device here; use --device cpu\n")


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
    assert sorted(p.name for p in Path("alphas").iterdir()) == ["a.png", "c.png"]
    Image.fromarray(picture.image).save("photos/b.png")
    code, said = hdmatt("matte photos --trimaps trimaps -o alphas --resume")
    assert (code, said) == (0, "1 matted, 2 there already, 0 failed\n")


def test_ctrl_c_says_how_to_go_on(hdmatt: Hdmatt, monkeypatch: pytest.MonkeyPatch) -> None:
    from hdmatt_core.storage.ledger import Ledger

    marked, original = [0], Ledger.mark

    def interrupt(self: Ledger, block: int) -> None:
        original(self, block)
        marked[0] += 1
        if marked[0] == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "mark", interrupt)
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png --synchronous")
    assert code == 130
    assert said.startswith("go on with: hdmatt matte photo.png trimap.png -o alpha.png")
    monkeypatch.setattr(Ledger, "mark", original)
    assert hdmatt("matte photo.png trimap.png -o alpha.png --synchronous --resume") == (0, "")
