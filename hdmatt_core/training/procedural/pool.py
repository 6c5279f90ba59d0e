"""A pool of procedural cut-outs on disk: `python -m hdmatt_core.training.procedural.pool FOLDER SEED COUNT SIDE`."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image

from hdmatt_core.errors import UserError
from hdmatt_core.training.cache import Cache
from hdmatt_core.training.cutout import Cutout
from hdmatt_core.training.procedural import FAMILIES, ORDER, VERSION, render

_MEMORY = 150_000_000


class Pool:
    """`count` cut-outs of `side` px, the families in turn, in a folder named after all that they depend on.

    A piece that is not there yet is rendered when it is asked for: what is drawn never depends on who came first.
    """

    def __init__(self, folder: Path, seed: int, count: int, side: int, cache: Cache | None = None) -> None:
        self.folder = folder / f"procedural-v{VERSION}-seed{seed}-{side}px"
        self.count = count
        self._arguments = (str(folder), str(seed), str(count), str(side))
        self._seed, self._side = seed, side
        self._cache = cache or Cache(_MEMORY)

    def numbers(self, family: str) -> list[int]:
        """Return the numbers of a family's pieces."""
        return [number for number in range(self.count) if _family(number) == family]

    def drawer(self, shares: Mapping[str, float]) -> Callable[[Generator], Cutout]:
        """Return what draws a piece: of all alike, but for the families that `shares` names."""
        pieces = {family: self.numbers(family) for family in FAMILIES}
        held = {family: numbers for family, numbers in pieces.items() if numbers and shares.get(family, 1) > 0}
        weight = np.array([shares.get(family, len(numbers)) for family, numbers in held.items()], dtype=np.float64)
        if not held:
            raise UserError("procedural.families leaves no family of the pool a share; give one, or mix.procedural: 0")

        def draw(rng: Generator) -> Cutout:
            family = list(held)[rng.choice(len(held), p=weight / weight.sum())]
            return self.piece(held[family][rng.integers(len(held[family]))])

        return draw

    def piece(self, number: int) -> Cutout:
        """Open a piece; the cache keeps the latest ones."""
        return self._cache.get(self.path(number), lambda: self._opened(number), lambda piece: piece.nbytes)

    def _opened(self, number: int) -> Cutout:
        if not self.path(number).exists():
            return self.make(number)
        with Image.open(self.path(number)) as image:
            *colour, alpha = image.split()
        return Cutout(Image.merge("RGB", colour), alpha)

    def path(self, number: int) -> Path:
        """Return the file of a piece: straight colour, spread beyond what is visible, and alpha, without loss."""
        return self.folder / f"{number:05d}-{_family(number)}.png"

    def make(self, number: int) -> Cutout:
        """Render a piece and keep it."""
        piece = render(_family(number), self._side, np.random.default_rng([self._seed, number]))
        colour, alpha = piece.levels[0]
        self.folder.mkdir(parents=True, exist_ok=True)
        # Two processes may make the same piece at once: each writes a file of its own, and the last one stays.
        partial = self.folder / f".{number:05d}-{os.getpid()}.png"
        Image.merge("RGBA", (*colour.split(), alpha)).save(partial, compress_level=4)
        partial.replace(self.path(number))
        return piece

    def fill(self, parent: int | None = None) -> None:
        """Render what is missing; stop when the process `parent` is no longer the parent of this one."""
        for number in range(self.count):
            if parent is not None and os.getppid() != parent:
                return
            if not self.path(number).exists():
                self.make(number)

    def fill_beside(self) -> None:
        """Fill the pool in a process of its own, of low priority, that ends with this one."""
        if all(self.path(number).exists() for number in range(self.count)):
            return
        command = [sys.executable, "-m", __name__, *self._arguments, str(os.getpid())]
        process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
        atexit.register(process.terminate)


def _family(number: int) -> str:
    return ORDER[number % len(ORDER)]


def main() -> None:
    """Fill a pool."""
    folder, *numbers = sys.argv[1:]
    seed, count, side, *parent = (int(number) for number in numbers)
    os.nice(10)
    Pool(Path(folder), seed, count, side).fill(*parent)


if __name__ == "__main__":
    main()
