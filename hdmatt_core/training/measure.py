"""Measure weights on the fixed validation pictures: `python -m hdmatt_core.training.measure CONFIG WEIGHTS`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from hdmatt_core.nn.network import HDMatt
from hdmatt_core.nn.weights import load
from hdmatt_core.training.config import read_config
from hdmatt_core.training.picture import Picture
from hdmatt_core.training.validate import Predictor, Score, half, interpolated, score, validation_pictures


def measure(config_path: str | Path, weights: str | Path) -> dict[str, Score]:
    """Score weights, five ablations of them and two trivial answers; raises UserError as `read_config` and `load` do.

    The ablations take away the overview, colour evidence from beyond the patch and the overview with it, contexts, the
    trimap's guidance of attention, colour.
    """
    config = read_config(config_path)
    torch.set_num_threads(config.threads)
    pictures = validation_pictures(config)
    model = load(weights)
    return {
        "network": score(pictures, Predictor(model)),
        "network, no overview": score(pictures, Predictor(model, overview=False)),
        "network, evidence of the patch": score(pictures, Predictor(model, apart=True)),
        "network, no contexts": score(pictures, Predictor(model, contexts=0)),
        "network, trimap-blind attention": score(pictures, Predictor(_blinded(weights))),
        "network, colour removed": score([_grey(picture) for picture in pictures], Predictor(model)),
        "interpolated by distance": score(pictures, interpolated),
        "alpha = 0.5": score(pictures, half),
    }


def _blinded(weights: str | Path) -> HDMatt:
    model = load(weights)
    model.context.forward = model.context.blind  # type: ignore[method-assign]
    return model


def _grey(picture: Picture) -> Picture:
    return replace(picture, rgb=np.full_like(picture.rgb, 118))


def main() -> None:
    """Print one line per answer."""
    config_path, weights = sys.argv[1:]
    for name, value in measure(config_path, weights).items():
        sys.stdout.write(f"{name:34s} SAD {value.sad:7.3f}   MSE {value.mse:.4f}\n")


if __name__ == "__main__":
    main()
