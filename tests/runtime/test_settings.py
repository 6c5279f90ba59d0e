"""What is wrong with settings, whatever the inputs are: asked once, before a folder's first picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from hdmatt_core.errors import UserError
from hdmatt_core.pipeline.find import find_pipeline
from hdmatt_core.runtime.prepare import check_settings
from hdmatt_core.runtime.request import Request

PAPER = """  paper:
    use: encoder.resnet
    params: {preset: hdmatt-r34}
    in: {tiles: tiles, pool: pool, image: image, trimap: trimap}
outputs:
  vectors: paper.query_vector
"""


def test_weights_need_to_fit_what_is_asked_for_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "both.yaml"
    file.write_text(find_pipeline("hdmatt").read_text().replace("outputs:\n", PAPER))
    request = Request(pipeline=str(file), inputs={}, outputs={})
    check_settings(request, ("alpha", "foreground"))
    with pytest.raises(UserError, match="stage 'paper' is set for the preset 'hdmatt-r34'"):
        check_settings(request, ("alpha", "vectors"))


def test_an_output_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(UserError, match="no output 'alpha'"):
        check_settings(Request(pipeline="trimap", inputs={}, outputs={}), ("alpha",))
