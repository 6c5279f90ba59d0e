"""Pictures of known pixels, opened as the program opens them: by the content of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hdmatt_images import hdmatt_stages, release
from hdmatt_images.faults import HEAD
from hdmatt_images.sinks.base import PictureSink
from hdmatt_images.sources.base import PictureSource

from hdmatt_core.geometry import Box
from hdmatt_core.kinds import About, Source
from hdmatt_core.registry import Registry
from hdmatt_core.spec import ArraySpec
from hdmatt_core.stage import Array, Block, Target
from hdmatt_core.testing.context import FakeContext

Open = Callable[..., PictureSource]
Write = Callable[..., PictureSink]


@pytest.fixture(autouse=True)
def _nothing_held() -> Iterator[None]:
    yield
    release()


@pytest.fixture(scope="session")
def opened() -> Open:
    """``opened(path, role, level)``: the first source that accepts the file."""

    def open_(path: Path, role: str = "image", level: int = 0) -> PictureSource:
        head = b"" if path.is_dir() else path.read_bytes()[:HEAD]
        stages = [type_.stage for type_ in hdmatt_stages() if issubclass(type_.stage, Source)]
        stage = next(s for s in stages if s.accepts(path, head))
        return cast("PictureSource", stage(stage.Params.model_validate({"path": path, "role": role, "level": level})))

    return open_


@pytest.fixture(scope="session")
def window() -> Callable[[Source, Box], Array]:
    """``window(source, box)``: what ``run`` gives for a box."""

    def read(source: Source, box: Box) -> Array:
        block = Block(Target(box), {}, {}, frozenset({"pixels"}))
        return source.run(block, FakeContext())["pixels"]

    return read


@pytest.fixture(scope="session")
def pixels(window: Callable[[Source, Box], Array]) -> Callable[[Source], Array]:
    """``pixels(source)``: the whole picture, checked against what the source inferred."""

    def read(source: Source) -> Array:
        spec = source.infer({})["pixels"]
        got = window(source, Box((0, 0), spec.shape[:2]))
        assert got.shape == spec.shape
        assert got.dtype.name == spec.dtype
        assert got.flags.c_contiguous
        return got

    return read


@pytest.fixture(scope="session")
def written() -> Write:
    """``written(path, array, depth, about)``: write an array through the sink of the suffix; gives the sink."""

    def write(path: Path, array: Array, depth: str = "8", about: About | None = None) -> PictureSink:
        stage = Registry.load().sink_for(path).stage
        sink = cast("PictureSink", stage(stage.Params.model_validate({"path": path, "depth": depth})))
        spec = spec_of(array)
        sink.check(spec)
        sink.write(path, spec, lambda box: array[box.slices], about or About())
        return sink

    return write


@pytest.fixture(scope="session")
def noise() -> Callable[..., Array]:
    """``noise(shape, dtype)``: full-scale values that no two windows share."""

    def make(shape: tuple[int, ...], dtype: str = "uint8", seed: int = 0) -> Array:
        rng = np.random.default_rng(seed)
        if dtype == "float32":
            return rng.random(shape, dtype=np.float32)
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype=np.dtype(dtype), endpoint=True)

    return make


def spec_of(array: Array, **extra: Any) -> ArraySpec:
    return ArraySpec(("y", "x", "c")[: array.ndim], array.shape, array.dtype.name, **extra)
