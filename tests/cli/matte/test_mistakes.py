"""``hdmatt matte`` on files: what a person reads when something is wrong."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from hdmatt_core.runtime.workspace import Workspace
from hdmatt_core.testing import Scene

Hdmatt = Callable[..., tuple[int, str]]


def test_sizes_differ(hdmatt: Hdmatt) -> None:
    Image.fromarray(np.zeros((50, 60), np.uint8)).save("trimap.png")
    code, said = hdmatt("matte photo.png trimap.png -o alpha.png")
    assert code == 2
    assert "hdmatt.yaml:8:3: stage 'tiles' (tiler.grid)" in said
    assert "240 x 180" in said
    assert "60 x 50" in said


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


def test_a_file_where_a_folder_should_be(hdmatt: Hdmatt) -> None:
    code, said = hdmatt("matte photo.png trimap.png -o trimap.png/alpha.png")
    assert (code, said.splitlines()[-1]) == (
        2, f"error: trimap.png/alpha.png: the folder {Path('trimap.png').absolute()} is a file (output 'alpha')"
    )  # fmt: skip


def test_a_name_that_no_file_system_takes(hdmatt: Hdmatt) -> None:
    name = 245 * "a" + ".png"
    assert hdmatt(f"matte photo.png trimap.png -o {name}") == (
        2, f"error: {name}: the name is too long for the unfinished file beside it; give a shorter one\n"
    )  # fmt: skip
    assert not list(Path().glob(".*"))


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


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        ("-o a.png --foreground a.png", "a.png: is to be both 'alpha' and 'foreground'"),
        ("-o a.png --foreground ./sub/../a.png", "is to be both"),
        ("-o photo.png --overwrite", "photo.png: is an input, or holds one"),
        ("-o a.png --foreground trimap.png --overwrite", "trimap.png: is an input"),
        ("-o full.zarr --overwrite", "full.zarr: is a folder that holds other things"),
        ("-o full.png --overwrite", "full.png: is a folder that holds other things"),
    ],
)
def test_nothing_of_the_persons_is_taken_away(hdmatt: Hdmatt, outputs: str, told: str) -> None:
    Path("sub").mkdir()
    for name in ("full.zarr", "full.png"):
        Path(name).mkdir()
        (Path(name) / "precious.txt").write_text("mine")
    before = {name: Path(name).read_bytes() for name in ("photo.png", "trimap.png")}
    code, said = hdmatt(f"matte photo.png trimap.png {outputs}")
    assert (code, told in said) == (2, True), said
    assert {name: Path(name).read_bytes() for name in before} == before
    assert all((Path(name) / "precious.txt").read_text() == "mine" for name in ("full.zarr", "full.png"))
    assert not Path("a.png").exists()


def test_a_refused_resume_leaves_what_it_refused(hdmatt: Hdmatt) -> None:
    assert hdmatt("matte photo.png trimap.png -o a.png --keep-run")[0] == 0
    Path("a.png").unlink()
    left = sorted(p.name for p in Path("a.png.run").iterdir())
    code, said = hdmatt("matte photo.png trimap.png -o a.png --resume", "pick.k=2")
    assert code == 2
    assert "cannot resume, changed since" in said
    assert "go on with" not in said, "the refused command is no cure"
    assert sorted(p.name for p in Path("a.png.run").iterdir()) == left


def test_a_memory_of_nothing_is_refused(hdmatt: Hdmatt) -> None:
    code, said = hdmatt("matte photo.png trimap.png -o a.png --memory 0")
    assert code == 2, said
    assert not Path("a.png").exists()


def test_a_folder_resumed_makes_the_cutouts_that_are_missing(hdmatt: Hdmatt) -> None:
    for folder in ("photos", "trimaps"):
        Path(folder).mkdir()
    Path("photo.png").rename("photos/one.png")
    Path("trimap.png").rename("trimaps/one.png")
    assert "1 matted" in hdmatt("matte photos --trimaps trimaps -o alphas")[1]
    again = "matte photos --trimaps trimaps -o alphas --foreground cutouts --resume"
    code, said = hdmatt(f"{again} --overwrite")
    assert (code, Path("cutouts/one.png").exists()) == (0, True), said
    assert "0 matted, 1 there already" in hdmatt(again)[1]


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("--set pick.kk=3", "parameter 'kk'"),
        ("--set weights=none.safetensors", "there are no weights"),
        ("--pipeline nothing", "'nothing'"),
    ],
)
def test_of_a_folder_what_is_wrong_for_every_picture_is_said_once(hdmatt: Hdmatt, option: str, wrong: str) -> None:
    for folder in ("photos", "trimaps"):
        Path(folder).mkdir()
    for number in range(3):
        shutil.copy("photo.png", f"photos/{number}.png")
        shutil.copy("trimap.png", f"trimaps/{number}.png")
    code, said = hdmatt(f"matte photos --trimaps trimaps -o alphas {option}", own_weights=True)
    assert (code, said.count(wrong), "matted" in said) == (2, 1, False), said
    assert not Path("alphas").exists()
