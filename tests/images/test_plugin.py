"""What the plug-in registers, and that registering it is cheap."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hdmatt_images import hdmatt_stages
from PIL import Image

from hdmatt_core.geometry import Box
from hdmatt_core.kinds import Sink, Source
from hdmatt_core.stage import API, StageType, Target

STAGES = hdmatt_stages()


def test_formats_are_registered_by_name() -> None:
    assert {type_.name for type_ in STAGES} == {
        *("source.png", "source.jpeg", "source.tiff", "source.zarr", "source.image"),
        *("sink.png", "sink.jpeg", "sink.tiff", "sink.zarr", "sink.ome"),
    }


@pytest.mark.parametrize("type_", STAGES, ids=lambda type_: type_.name)
def test_every_stage_is_of_its_kind_and_documented(type_: StageType) -> None:
    assert type_.api == API
    assert issubclass(type_.stage, Source if type_.name.startswith("source.") else Sink)
    assert len((vars(type_.stage)["__doc__"] or "").splitlines()[0]) > 20
    assert type_.stage.suffixes


def test_nothing_heavy_is_imported_to_list_the_formats() -> None:
    heavy = "{'torch', 'zarr', 'dask', 'tifffile', 'imagecodecs', 'pyvips', 'scipy'} & set(sys.modules)"
    code = f"import sys, hdmatt_images; print(sorted({heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_suffix_belongs_to_two_formats() -> None:
    for prefix in ("source", "sink"):
        suffixes = [s for type_ in STAGES if type_.name.startswith(prefix) for s in type_.stage.suffixes]
        assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize("wrong", [".png", ".jpg", ".tif", ".bmp", ".zarr", ""])
@pytest.mark.parametrize("right", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"])
def test_the_content_decides_and_not_the_suffix(opened, noise, tmp_path: Path, right: str, wrong: str) -> None:
    path = tmp_path / f"a{wrong}"
    Image.fromarray(noise((5, 4))).save(path, right)
    accepting = [t.name for t in STAGES if issubclass(t.stage, Source) and t.stage.accepts(path, path.read_bytes())]
    assert len(accepting) == 1
    assert opened(path).infer({})["pixels"].shape == (5, 4, 3)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_a_source_travels_to_another_process(opened, window, noise, tmp_path: Path, name: str) -> None:
    array = noise((40, 50, 3))
    Image.fromarray(array).save(tmp_path / name, lossless=True)
    source = opened(tmp_path / name)
    before = source.infer({}), source.identity()
    other = pickle.loads(pickle.dumps(source))
    assert (other.infer({}), other.identity()) == before
    np.testing.assert_array_equal(window(other, Box((3, 4), (33, 31))), array[3:33, 4:31])


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_identity_is_of_the_content_and_not_of_name_or_date(opened, noise, tmp_path: Path, name: str) -> None:
    Image.fromarray(noise((40, 50, 3))).save(tmp_path / name)
    identity = opened(tmp_path / name).identity()
    copy = tmp_path / f"copy-{name}"
    copy.write_bytes((tmp_path / name).read_bytes())
    assert opened(copy).identity() == identity
    Image.fromarray(noise((40, 50, 3), seed=1)).save(copy)
    assert opened(copy).identity() != identity


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_what_a_source_says_it_takes_covers_a_window(opened, window, noise, tmp_path: Path, name: str) -> None:
    import tracemalloc

    Image.fromarray(noise((700, 600, 3))).save(tmp_path / name)
    source, box = opened(tmp_path / name, "mask"), Box((100, 100), (500, 500))
    small = tmp_path / f"small-{name}"
    Image.fromarray(noise((4, 4, 3))).save(small)
    window(opened(small), Box((0, 0), (4, 4)))  # imports the codecs
    said = source.resident_bytes() + source.scratch(Target(box), {})
    tracemalloc.start()
    with pytest.warns(match="coloured"):
        got = window(source, box)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= said + got.nbytes + (1 << 20)
