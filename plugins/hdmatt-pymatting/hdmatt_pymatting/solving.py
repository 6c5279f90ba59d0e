"""One call of a PyMatting solver: what goes in, what it takes, what it cannot do."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hdmatt_core.errors import UserError
from hdmatt_core.nn.regions import BACKGROUND, FOREGROUND, UNKNOWN, trimap_classes

Method = Literal["cf", "knn", "lbdm"]
"""The solvers offered: those that converge on ordinary photographs within minutes per megapixel."""

BYTES: dict[Method, int] = {"cf": 2600, "knn": 3900, "lbdm": 2900}
"""Bytes per pixel while solving, an upper figure kept by ``FILL``; measured with PyMatting 1.1.16, all but a few pixels
unknown. The closed form takes 460 where a tenth is unknown."""
FILL = 80
"""Entries per row of the incomplete Cholesky factor. Without a bound PyMatting reserves 4 GB for any image."""
THRESHOLDS = (1e-4, 1e-3, 1e-2)
"""What the factor leaves out, finer first; a coarser factor costs steps and not accuracy."""


def solve(method: Method, image: NDArray[Any], trimap: NDArray[Any]) -> NDArray[np.float32]:
    """Alpha (H, W) of an image (H, W, 3), uint8, uint16 or float in 0..1, and a trimap (H, W).

    Where only one side is known alpha is that side throughout, which is what the solvers' equations say. Raises
    UserError where nothing is known, or where the solver does not converge.
    """
    classes = trimap_classes(trimap)
    present = np.bincount(classes.ravel(), minlength=3)
    if present[UNKNOWN] and not (present[BACKGROUND] or present[FOREGROUND]):
        raise UserError("no pixel is known; give a trimap with known pixels, or larger tiles")
    if not present[UNKNOWN]:
        return (classes / 2).astype(np.float32)
    if not (present[BACKGROUND] and present[FOREGROUND]):
        return np.full(trimap.shape, present[FOREGROUND] > 0, np.float32)
    try:
        alpha = _estimate(method, _unit(image), classes / 2.0)
    except ValueError as error:
        raise UserError(f"PyMatting's {method} gave up: {error}; try another method or a narrower trimap") from error
    # Only the closed form holds known pixels exactly.
    return np.where(classes == UNKNOWN, alpha, classes / 2).astype(np.float32)


def _estimate(method: Method, image: NDArray[np.float64], trimap: NDArray[np.float64]) -> NDArray[np.float64]:
    import pymatting

    solvers = {
        "cf": pymatting.estimate_alpha_cf,
        "knn": pymatting.estimate_alpha_knn,
        "lbdm": pymatting.estimate_alpha_lbdm,
    }
    factor = {} if method == "knn" else {"preconditioner": _factor}  # KNN's own is diagonal
    alpha: NDArray[np.float64] = solvers[method](image, trimap, **factor)
    return alpha


def _factor(matrix: Any) -> Any:
    """An incomplete Cholesky factor with at most ``FILL`` entries per row, else the diagonal alone."""
    import pymatting

    for threshold in THRESHOLDS:
        try:
            return pymatting.ichol(matrix, discard_threshold=threshold, max_nnz=FILL * matrix.shape[0])
        except ValueError:
            continue
    return pymatting.jacobi(matrix)


def _unit(image: NDArray[Any]) -> NDArray[np.float64]:
    """Colours as float64 in 0..1."""
    top = np.iinfo(image.dtype).max if np.issubdtype(image.dtype, np.integer) else 1
    unit: NDArray[np.float64] = np.clip(image / np.float64(top), 0, 1)
    return unit
