"""The stage contract: four methods over declared ports. This file is what a plug-in author has to know.

A stage is built from its validated :class:`Params` and is immutable. The program asks it, in this order:

``infer(specs)``
    metadata only: what its outputs are, given its inputs. No pixel is read, torch is not imported.
``needs(target, specs)``
    what it must read to make ``target``: one request per input port.
``scratch(target, specs)``
    bytes it allocates beside its inputs and outputs, for the memory plan.
``run(block, context)``
    the arrays. Pure: the same block gives the same bits. torch is imported here, not at the top of the module.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from hdmatt_core.geometry import Box
from hdmatt_core.spec import ArraySpec, Input, Output

API = 1
"""Version of the stage contract. A plug-in states the one it was written for in its :class:`StageType`."""

Array = NDArray[Any]
Specs = Mapping[str, ArraySpec]


class Params(BaseModel):
    """Base of every stage's parameters: frozen, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tiles(StrEnum):
    """Which patches of a block a stage over tiles is run for."""

    ALL = "all"  # every patch of the grid, known or not
    CANDIDATES = "candidates"  # queries, and patches that the pool admits as context
    QUERIES = "queries"  # patches with an unknown pixel


@dataclass(frozen=True)
class Target:
    """What one call makes: the ``slots`` of arrays over tiles, or the pixels of ``box`` (y, x).

    For a stage over tiles ``box`` is the one-dimensional slot range of the block and ``slots`` the patches in it
    that the stage is run for; its arrays have one row per entry of ``slots``.
    """

    box: Box
    slots: tuple[int, ...] = ()


@dataclass(frozen=True)
class Own:
    """The rows (or pixels) of the target itself. The only request that lets two stages share one task."""


@dataclass(frozen=True)
class Window:
    """The pixels of a box (y, x), in the input's own scale; mirrored where it reaches beyond the image."""

    box: Box


@dataclass(frozen=True)
class Rows:
    """Rows of an array over tiles, by slot; arrives as :class:`TileRows` of those that were computed."""

    slots: tuple[int, ...]


@dataclass(frozen=True)
class Gather:
    """Rows named by the target's rows of another input (int, -1 for none); arrives as :class:`Gathered`."""

    index: str


@dataclass(frozen=True)
class All:
    """The whole array (a small table over tiles), one row per slot; rows not computed hold zeros."""


Request = Own | Window | Rows | Gather | All


@dataclass(frozen=True)
class TileRows:
    """Some rows of an array over tiles: ``data[i]`` belongs to ``slots[i]``."""

    slots: tuple[int, ...]
    data: Array


@dataclass(frozen=True)
class Gathered:
    """The target's own rows and the distinct rows they name.

    ``own`` (n, ...) are the target's rows; ``data`` (m, ...) every named row once; ``index`` (n, k) points into
    ``data``, -1 for none; ``slots`` (m) are the slots of ``data``.
    """

    own: Array
    data: Array
    index: NDArray[np.int32]
    slots: tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """The inputs of one call of ``run``: arrays by port, with what was asked for."""

    target: Target
    specs: Specs
    arrays: Mapping[str, Array | TileRows | Gathered]
    wanted: frozenset[str]  # outputs somebody reads; the others may be left out

    def __contains__(self, port: str) -> bool:
        return port in self.arrays

    def array(self, port: str) -> Array:
        """The array of ``port``, which was asked for with Own, Window or All."""
        return cast("Array", self.arrays[port])

    def rows(self, port: str) -> TileRows:
        """The rows of ``port``, which were asked for with Rows."""
        return cast("TileRows", self.arrays[port])

    def gathered(self, port: str) -> Gathered:
        """The rows of ``port``, which were asked for with Gather."""
        return cast("Gathered", self.arrays[port])


class Context(Protocol):
    """What the runtime lends to ``run``."""

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        ...

    @property
    def dtype(self) -> str:
        """Precision of the network's arithmetic: ``float32`` or ``bfloat16``."""
        ...

    def network(self) -> Any:
        """The pipeline's :class:`hdmatt_core.nn.network.HDMatt`, in evaluation mode on ``device``."""
        ...

    def random(self, slot: int) -> np.random.Generator:
        """A generator seeded by the run, the stage and ``slot``: independent of workers and order."""
        ...


class Stage(ABC):
    """Base of all stages. Ports are class attributes; see the kinds in :mod:`hdmatt_core.kinds`."""

    kind: ClassVar[str]
    tiles_run: ClassVar[Tiles] = Tiles.ALL
    uses_network: ClassVar[bool] = False
    whole: ClassVar[bool] = False  # made in one piece: one call for the whole image or the whole table
    inputs: ClassVar[Mapping[str, Input]] = {}
    outputs: ClassVar[Mapping[str, Output]] = {}

    class Params(Params):
        """No parameters."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls.inputs = {**cls.inputs, **{n: p for n, p in vars(cls).items() if isinstance(p, Input)}}
        cls.outputs = {**cls.outputs, **{n: p for n, p in vars(cls).items() if isinstance(p, Output)}}

    def __init__(self, params: Params) -> None:
        self.params = params

    @abstractmethod
    def infer(self, specs: Specs) -> dict[str, ArraySpec]:
        """Specs of the outputs by port name, from the specs of the wired inputs; UserError if they cannot be."""

    def needs(self, target: Target, specs: Specs) -> dict[str, Request]:
        """One request per wired input port; by default the target itself of each."""
        return {port: Own() for port in specs}

    def scratch(self, target: Target, specs: Specs) -> int:
        """Bytes allocated by ``run`` beside inputs and outputs; an upper figure."""
        return 0

    @abstractmethod
    def run(self, block: Block, context: Context) -> dict[str, Array]:
        """The outputs in ``block.wanted`` by port name, one row per slot of the target or one value per pixel."""


@dataclass(frozen=True)
class StageType:
    """What a plug-in registers: a name for YAML (``kind.word``), the class, and the contract it was written for."""

    name: str
    stage: type[Stage]
    api: int
    distribution: str = field(default="", compare=False)  # filled in by the registry: name and version
