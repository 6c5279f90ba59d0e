"""The memory promise, measured: resident bytes over all processes stay under the plan's figure and the budget."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from hdmatt_core.pipeline import inputs as planning
from hdmatt_core.pipeline.sizes import format_size, parse_size
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import plan, run
from hdmatt_core.testing import scene

Make = Callable[..., Request]


def peak_of(words: list[str]) -> int:
    """Peak of resident bytes of a command and its children; it must succeed."""
    process, peak = psutil.Popen(words), 0
    while process.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            peak = max(peak, sum(p.memory_info().rss for p in family if p.is_running()))
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.02)
    assert process.returncode == 0
    return peak


@pytest.mark.slow
@pytest.mark.parametrize(
    "limits", [("--memory", "900MB"), ("--memory", "2GB"), ("--memory", "2.2GB", "--workers", "2")]
)
def test_the_promise_is_kept(weights: Path, tmp_path: Path, limits: tuple[str, ...]) -> None:
    made = scene(2000, 3000, seed=2, band=24)
    image, trimap = tmp_path / "photo.png", tmp_path / "trimap.png"
    Image.fromarray(made.image).save(image, compress_level=1)
    Image.fromarray(made.trimap).save(trimap)
    budget = parse_size(limits[1])
    planned = plan(
        Request(
            "hdmatt", {"image": image, "trimap": trimap}, {"alpha": None}, (f"weights={weights}",),
            memory=budget, workers=int(limits[3]) if len(limits) > 2 else 0,
        )
    )  # fmt: skip
    peak = peak_of(
        [sys.executable, "-m", "hdmatt_core", "matte", str(image), str(trimap), "-o", str(tmp_path / "alpha.png"),
         *("--set", f"weights={weights}"), *limits]
    )  # fmt: skip
    assert peak <= planned.peak <= budget, f"measured {format_size(peak)}, planned {format_size(planned.peak)}"


def test_streamed_inputs_give_the_same_matte(
    request_for: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = scene(300, 400, seed=5)
    image, trimap = tmp_path / "photo.png", tmp_path / "trimap.png"
    Image.fromarray(made.image).save(image)
    Image.fromarray(made.trimap).save(trimap)
    inputs = {"image": image, "trimap": trimap}
    decoded = run(request_for(inputs=inputs)).arrays["alpha"]
    monkeypatch.setattr(planning, "DECODED_SHARE", 10**9)
    result = run(request_for(inputs=inputs))
    assert {planned.reading for planned in result.plan.inputs.values()} == {"streamed"}
    assert np.array_equal(result.arrays["alpha"], decoded)


def test_sizes_as_people_write_them() -> None:
    assert [parse_size(text) for text in ("2GB", "512 MiB", "1.5g", "100")] == [2 * 10**9, 2**29, 15 * 10**8, 100]
    assert [format_size(size) for size in (999, 2 * 10**9, 1_340_000_000)] == ["999 B", "2 GB", "1.34 GB"]
