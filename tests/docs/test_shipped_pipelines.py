"""Every pipeline that ships with hdmatt holds and makes what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from hdmatt_core import matte
from hdmatt_core.pipeline.document import load_document
from hdmatt_core.pipeline.find import shipped_pipelines
from hdmatt_core.pipeline.graph import build_graph
from hdmatt_core.registry import Registry
from hdmatt_core.testing import scene

MATTING = [name for name in shipped_pipelines() if name != "trimap"]


@pytest.mark.parametrize("name", shipped_pipelines())
def test_it_holds_and_says_what_it_is_for(name: str) -> None:
    graph = build_graph(load_document(name), Registry.load())
    assert graph.outputs
    assert shipped_pipelines()[name].read_text(encoding="utf-8").startswith("# ")


def test_the_papers_pipeline_is_there() -> None:
    assert {"hdmatt", "quick", "gigapixel", "trimap"} <= set(shipped_pipelines())


@pytest.mark.slow
@pytest.mark.parametrize("name", MATTING)
def test_it_mattes(name: str) -> None:
    made = scene(400, 500)
    alpha = matte(made.image, made.trimap, pipeline=name).alpha
    assert alpha is not None
    assert np.array_equal(alpha[made.trimap != 128], made.trimap[made.trimap != 128] / 255)
    assert ((alpha >= 0) & (alpha <= 1)).all()
