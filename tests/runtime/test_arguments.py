"""What a program gives that the command line would never let through: one line each, and nothing is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdmatt_core import matte
from hdmatt_core.errors import UserError
from hdmatt_core.testing import scene

PICTURE = scene(96, 120, seed=2)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"image": PICTURE.image.tolist()}, "image: is list; give a path, or an array of numpy or zarr"),
        ({"image": None}, "image: is NoneType"),
        ({"image": PICTURE.image.astype(np.float32)}, "image: the array holds .* to 2.*; scale float pictures to 0..1"),
        ({"memory": 0}, "memory"),
        ({"dtype": "float16"}, "dtype 'float16': there are auto, float32, bfloat16"),
        ({"depth": "12"}, "depth '12': there are 8, 16, float"),
        ({"preview": 2.0}, "preview 2.0: give a whole number"),
        ({"workers": 1.5}, "workers 1.5: give a number of processes"),
        ({"roi": np.s_[0:10]}, "--roi 0:10: is not of the form"),
        ({"roi": np.s_[0:10, 5]}, "--roi 0:10,5: is not of the form"),
        ({"settings": "pick.q=2"}, "parameter 'q'"),
        ({"scratch": "/proc/nowhere"}, "give another --scratch"),
    ],
)
def test_a_callers_mistake_is_one_line(given: dict[str, Any], told: str, weights: Path) -> None:
    arguments = {"image": PICTURE.image, "trimap": PICTURE.trimap, "settings": [f"weights={weights}"], **given}
    with pytest.raises(UserError, match=told):
        matte(**arguments)
