"""The kinds: a kind is a set of ports, so that swapping a stage for another of its kind is one line of YAML.

Array letters: H, W image size; N slots of the grid; P patch side; h = w = P / 16; C feature channels; k choices.
A stage of a free kind derives from :class:`hdmatt_core.stage.Stage`, sets ``kind`` and declares its own ports.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from hdmatt_core.geometry import Box
from hdmatt_core.spec import ArraySpec, Input, Output
from hdmatt_core.stage import Array, Block, Context, Specs, Stage, Tiles

KINDS = ("tiler", "pool", "encoder", "sampler", "aggregator", "decoder", "blender", "source", "sink")
"""Kinds with fixed ports; every other kind is free."""


class TileState(IntEnum):
    """What the trimap says of a patch; the third column of the table of tiles."""

    ABSENT = 0
    BACKGROUND = 1
    FOREGROUND = 2
    KNOWN = 3  # background and foreground, nothing unknown
    QUERY = 4  # at least one unknown pixel


class Tiler(Stage):
    """Cuts the image into overlapping patches and says what the trimap holds in each."""

    kind = "tiler"
    image = Input(("y", "x", "c"), channels=3, scale=1, doc="RGB")
    trimap = Input(("y", "x"), ("uint8",), scale=1, doc="0, 128, 255")
    tiles = Output(("tile", "c"), ("int32",), channels=3, doc="y, x of the patch's corner in pixels, TileState")
    regions = Output(("tile", "y", "x"), ("uint8",), scale=16, doc="0 background, 1 unknown, 2 foreground")


class Pool(Stage):
    """Says, before anything is encoded, which patches may serve as context. One call for the whole table."""

    kind = "pool"
    whole = True
    tiles = Input(("tile", "c"), ("int32",), channels=3)
    pool = Output(("tile",), ("uint8",), doc="1 where the patch is a candidate")


class Encoder(Stage):
    """Features, descriptors and skips of each patch."""

    kind = "encoder"
    tiles_run = Tiles.CANDIDATES
    uses_network = True
    tiles = Input(("tile", "c"), ("int32",), channels=3)
    pool = Input(("tile",), ("uint8",))
    image = Input(("y", "x", "c"), channels=3, scale=1)
    trimap = Input(("y", "x"), ("uint8",), scale=1)
    far = Input(("tile", "c"), ("uint8",), channels=8, optional=True, doc="known colours anywhere, from colour.far")
    palette = Input(
        ("y", "x", "c"), ("uint8",), channels=3456, optional=True, doc="likely colours, from colour.palette"
    )
    overview = Input(
        ("y", "x"), ("float32",), scale=1, optional=True, doc="alpha of the same picture, some times smaller"
    )
    features = Output(("tile", "y", "x", "c"), ("float16",), scale=16)
    query_vector = Output(("tile", "c"), ("float32",), doc="pooled theta over unknown positions")
    context_vector = Output(("tile", "c"), ("float32",), doc="pooled phi over all positions")
    skips = Output(("tile", "byte"), ("uint8",), doc="packed for the decoder of the same network; queries only")


class Sampler(Stage):
    """Chooses the context patches of every query."""

    kind = "sampler"
    tiles_run = Tiles.QUERIES
    tiles = Input(("tile", "c"), ("int32",), channels=3)
    pool = Input(("tile",), ("uint8",))
    query = Input(("tile", "c"), ("float32",))
    context = Input(("tile", "c"), ("float32",))
    choice = Output(("tile", "k"), ("int32",), doc="slots of the chosen patches, best first; -1 for none")
    scores = Output(("tile", "k"), ("float32",), doc="softmax scores of the chosen patches")


class Aggregator(Stage):
    """Brings the features of the chosen patches to the query."""

    kind = "aggregator"
    tiles_run = Tiles.QUERIES
    uses_network = True
    features = Input(("tile", "y", "x", "c"), ("float16",), scale=16)
    regions = Input(("tile", "y", "x"), ("uint8",), scale=16)
    choice = Input(("tile", "k"), ("int32",))
    scores = Input(("tile", "k"), ("float32",))
    fused = Output(("tile", "y", "x", "c"), ("float32",), scale=16)


class Decoder(Stage):
    """The matte of each query patch."""

    kind = "decoder"
    tiles_run = Tiles.QUERIES
    uses_network = True
    features = Input(("tile", "y", "x", "c"), ("float32",), scale=16)
    skips = Input(("tile", "byte"), ("uint8",))
    patches = Output(("tile", "y", "x"), ("float32",), scale=1, doc="alpha, 0..1")


class Blender(Stage):
    """Stitches the patches' mattes into one, known pixels pinned to the trimap."""

    kind = "blender"
    patches = Input(("tile", "y", "x"), ("float32",), scale=1)
    tiles = Input(("tile", "c"), ("int32",), channels=3)
    trimap = Input(("y", "x"), ("uint8",), scale=1)
    alpha = Output(("y", "x"), ("float32",), scale=1)


Role = Literal["image", "trimap", "mask", "matte"]
"""What an input is read as: RGB (y, x, c=3); 0/128/255 (y, x); any grey (y, x)."""


@dataclass(frozen=True)
class Lattice:
    """Where pixels lie in the world: distance of neighbours and place of the first pixel's centre, (y, x) in ``unit``.

    ``unit`` is a word of OME-Zarr such as ``micrometer``; empty where the file does not say.
    """

    step: tuple[float, float]
    origin: tuple[float, float] = (0.0, 0.0)
    unit: str = ""


@dataclass(frozen=True)
class About:
    """What travels from an input image to the outputs beside its pixels."""

    icc: bytes | None = None
    resolution: tuple[float, float] | None = None  # pixels per inch, x then y
    lattice: Lattice | None = None  # where the file says more than a resolution
    offset: tuple[int, int] = (0, 0)  # pixels (y, x) of the image before the first of a region


class Source(Stage):
    """An input file read by window, in its displayed (EXIF) orientation.

    ``infer`` reads metadata only. ``run`` gives the window of the target; a source that cannot read windows
    decodes the file once per process and holds ``resident_bytes``; if the plan has no room for that, the file is
    streamed once through ``stream`` into the run's store and ``run`` is not called.
    """

    kind = "source"
    suffixes: ClassVar[tuple[str, ...]] = ()
    pixels = Output(())

    class Params(Stage.Params):
        """Where the file is and what it is read as."""

        path: Path
        role: Role = "image"
        level: int = Field(0, description="which level of a multi-resolution image is read; 0 is the full size")

    @classmethod
    def accepts(cls, path: Path, head: bytes) -> bool:
        """Whether the file (or folder) at ``path``, beginning with ``head``, is of this format."""
        return path.suffix.lower() in cls.suffixes

    def resident_bytes(self) -> int:
        """Bytes held by each process that reads this source; 0 if it reads windows."""
        return 0

    def stream_bytes(self) -> int:
        """Bytes taken while ``stream`` makes a piece, where that is more than two bands of what it gives; else 0."""
        return 0

    @abstractmethod
    def stream(self) -> Iterator[tuple[Box, Array]]:
        """The whole image piece by piece in bounded memory, boxes in displayed orientation."""

    @abstractmethod
    def identity(self) -> Mapping[str, str | int]:
        """What must be equal for a run to go on: size, a digest of sampled content."""

    def about(self) -> About:
        return About()

    def levels(self) -> Sequence[Source]:
        """The same picture at the lower resolutions that its file holds, the finest first."""
        return ()

    def close(self) -> None:
        """Let go of what this process holds for the file (decoded pixels, open files); reading opens it anew."""


class Sink(Stage):
    """An output file written from a finished array, piece by piece."""

    kind = "sink"
    suffixes: ClassVar[tuple[str, ...]] = ()

    class Params(Stage.Params):
        """Where the file goes and how many bits its samples have."""

        path: Path
        depth: Literal["8", "16", "float"] = "8"

    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        """A sink has no outputs."""
        return {}

    def run(self, block: Block, context: Context) -> dict[str, Array]:
        """A sink has no outputs: it is written piece by piece, with ``write``."""
        return {}

    def check(self, spec: ArraySpec) -> None:
        """UserError if an array of ``spec`` cannot be written to this format (channels, depth, size)."""

    @abstractmethod
    def write_bytes(self, spec: ArraySpec) -> int:
        """Bytes allocated while writing, an upper figure."""

    @abstractmethod
    def write(self, partial: Path, spec: ArraySpec, read: Callable[[Box], Array], about: About) -> None:
        """Write the array to ``partial`` (renamed to ``params.path`` by the caller once complete).

        ``read`` gives the values of a box (y, x), alpha in 0..1 float32 or RGBA in the image's dtype.
        """
