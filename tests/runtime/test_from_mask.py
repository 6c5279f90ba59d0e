"""A mask instead of a trimap: the band made by tiles inside of a run is that of the whole image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from hdmatt_core.errors import HdmattWarning
from hdmatt_core.pipeline.find import shipped_pipelines
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.stage import Array
from hdmatt_core.storage import layout
from hdmatt_core.testing import scene

BAND = 11
SMALL = ("tiles.patch=96", "tiles.overlap=16", "tiles.side=2")


@pytest.fixture
def from_mask(tmp_path: Path) -> Path:
    """``gigapixel`` with a mask for an input, and the trimap for a further output."""
    text = shipped_pipelines()["gigapixel"].read_text()
    stage = f"stages:\n  trimap:\n    use: trimap.from_mask\n    params: {{band: {BAND}}}\n    in: {{mask: mask}}\n"
    text = text.replace("trimap: {kind: trimap}", "mask: {kind: mask}").replace("stages:\n", stage)
    path = tmp_path / "from-mask.yaml"
    path.write_text(text.replace("outputs:\n", "outputs:\n  trimap: trimap\n"))
    return path


def banded(mask: Array) -> Array:
    """The trimap of the whole image at once, by distances."""
    inside = mask >= 128
    unknown = np.where(inside, distance_transform_edt(inside), distance_transform_edt(~inside)) <= BAND
    return np.where(unknown, 128, np.where(inside, 255, 0)).astype(np.uint8)


def made(pipeline: str | Path, weights: Path, given: dict[str, Array], outputs: tuple[str, ...]) -> dict[str, Array]:
    request = Request(
        pipeline=pipeline,
        inputs=given,
        outputs=dict.fromkeys(outputs),
        overrides=(f"weights={weights}", *SMALL),
        synchronous=True,
    )
    return dict(run(request).arrays)


def test_the_band_of_a_run_is_that_of_the_whole_image(
    weights: Path, from_mask: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "SHARD", 64)  # many blocks of pixels, and a band that crosses their borders
    monkeypatch.setattr(layout, "CHUNK", 32)
    picture = scene(200, 270, seed=1)
    mask = (picture.alpha * 255).astype(np.uint8)
    got = made(from_mask, weights, {"image": picture.image, "mask": mask}, ("alpha", "trimap"))
    np.testing.assert_array_equal(got["trimap"], banded(mask))
    want = made("gigapixel", weights, {"image": picture.image, "trimap": banded(mask)}, ("alpha",))
    np.testing.assert_array_equal(got["alpha"], want["alpha"])


def test_a_mask_of_lower_resolution_is_enlarged_before_its_band_is_made(weights: Path, from_mask: Path) -> None:
    picture = scene(200, 270, seed=1)
    small = (picture.alpha[::3, ::3] * 255).astype(np.uint8)
    whole = small.repeat(3, axis=0).repeat(3, axis=1)[:200, :270]
    with pytest.warns(HdmattWarning, match="each pixel of it stands for 3 x 3 of the image's"):
        got = made(from_mask, weights, {"image": picture.image, "mask": small}, ("alpha", "trimap"))
    np.testing.assert_array_equal(got["trimap"], banded(whole))
