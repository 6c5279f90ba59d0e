"""A strip that is matted, edited and updated, for the tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from hdmatt_core.runtime.events import Event, Updated
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.testing import scene


class Edited:
    """One output that is made, edited and updated; each time it is compared with a run that knows of no other.

    Without an overview, by which all patches of a picture of this size would hear of every edit.
    """

    SMALL = ("tiles.patch=96", "tiles.overlap=16", "tiles.side=2", "pick.k=1")
    PASSES = ("known", "far", "palette", "encode", "pick+fuse+decode", "blend")

    def __init__(self, weights: Path, folder: Path, seed: int = 6) -> None:
        """A strip of 160 x 1800 px, twelve blocks of four tiles: an edit at its left end is seen from five of them."""
        self.path, self._settings = folder / "alpha.zarr", (f"weights={weights}", *self.SMALL)
        parts = [scene(160, 300, seed=seed + number) for number in range(6)]
        self.image, self.trimap = (np.concatenate([part[i] for part in parts], axis=1) for i in (0, 1))

    def request(self, settings: tuple[str, ...] = (), **options: object) -> Request:
        given = {
            "inputs": {"image": self.image, "trimap": self.trimap},
            "outputs": {"alpha": self.path},
            "overrides": (*self._settings, *settings),
            "depth": "float",
            "dtype": "float32",
        }
        return Request(**{"pipeline": "ablation-no-overview", **given, **options})  # type: ignore[arg-type]

    def told(self, **options: object) -> list[Updated]:
        heard: list[Event] = []
        run(self.request(**{"update": True, **options}), heard.append)
        return [event for event in heard if isinstance(event, Updated)]

    def update(self, **options: object) -> dict[str, int]:
        """How many tiles or blocks of each pass were made again."""
        return {event.name: event.made for event in self.told(**options)}

    def fresh(self) -> np.ndarray:
        return run(self.request(outputs={"alpha": None})).arrays["alpha"]

    def alpha(self) -> np.ndarray:
        return zarr.open_array(self.path, mode="r")[:]

    def arrays(self, group_name: str = "arrays.zarr") -> dict[str, np.ndarray]:
        """The arrays of the run's store."""
        group = zarr.open_group(self.path.with_name("alpha.zarr.run") / group_name, mode="r")
        return {name: array[...] for name, array in group.arrays()}

    def spot(self) -> None:
        """An edit in a corner."""
        self.trimap[4:20, 4:30] = 128


@pytest.fixture(scope="module")
def finished(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished, kept run."""
    folder = tmp_path_factory.mktemp("finished")
    run(Edited(weights, folder).request(keep_run=True))
    return folder


@pytest.fixture
def edited(weights: Path, finished: Path, tmp_path: Path) -> Edited:
    """A finished, kept run of one's own."""
    shutil.copytree(finished, tmp_path / "here")
    return Edited(weights, tmp_path / "here")


@pytest.fixture
def new(weights: Path, tmp_path: Path) -> Edited:
    return Edited(weights, tmp_path)


@pytest.fixture
def leafy(weights: Path, tmp_path: Path) -> Edited:
    """Another picture, in which few queries choose what is near the corner."""
    return Edited(weights, tmp_path, seed=16)


@pytest.fixture
def settings(weights: Path) -> tuple[str, ...]:
    """What the command line has to set for the same small tiles and weights."""
    return (f"weights={weights}", *Edited.SMALL)
