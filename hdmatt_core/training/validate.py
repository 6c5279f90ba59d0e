"""Validation on composed pictures of the val split, and the two trivial answers to beat."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage

from hdmatt_core.nn.finish import finished
from hdmatt_core.nn.network import HDMatt
from hdmatt_core.training.batch import Batch, batch_of
from hdmatt_core.training.config import TrainConfig
from hdmatt_core.training.drawing import sheet, whole
from hdmatt_core.training.fixed import fixed_picture, render_strands
from hdmatt_core.training.material import load_library
from hdmatt_core.training.overview import reduced, told
from hdmatt_core.training.picture import Picture
from hdmatt_core.training.warp import Floats

PATCH = 320
_SIDE = 640
_PICTURES = 16
_CORNERS = [(top, left) for top in (0, PATCH) for left in (0, PATCH)]
_SEED = 20_090_661
_LONGEST = 900
"""Sides that material is shrunk to, whatever training does with its own."""


class Score(NamedTuple):
    """SAD in thousands and MSE over the unknown pixels, each a mean over pictures."""

    sad: float
    mse: float


def validation_pictures(config: TrainConfig) -> list[Picture]:
    """Compose the fixed pictures (640 px) of the val split; the same ones for every run, whatever its configuration."""
    library = load_library(config.data, "val", _LONGEST)
    strands = [render_strands(np.random.default_rng([_SEED, 1, number])) for number in range(4)]
    seeds = [[_SEED, 0, number] for number in range(_PICTURES)]
    return [fixed_picture(library, strands, _SIDE, np.random.default_rng(seed)) for seed in seeds]


def score(pictures: list[Picture], predict: Callable[[Picture], Floats]) -> Score:
    """Score a predictor of alpha (S, S) on pictures."""
    rows = []
    for picture in pictures:
        unknown = picture.trimap == 128
        error = (predict(picture) - picture.alpha)[unknown]
        rows.append((float(np.abs(error).sum()) / 1000, float(np.square(error).mean())))
    sad, mse = np.mean(rows, axis=0)
    return Score(float(sad), float(mse))


def half(picture: Picture) -> Floats:
    """Answer 0.5 wherever alpha is unknown."""
    return np.full_like(picture.alpha, 0.5)


def interpolated(picture: Picture) -> Floats:
    """Answer by the distances to known background and foreground: d_B / (d_B + d_F)."""
    limit = float(sum(picture.alpha.shape))
    known = [picture.trimap == value for value in (0, 255)]
    near, far = (ndimage.distance_transform_edt(~k) if k.any() else np.full(k.shape, limit) for k in known)
    share: Floats = (near / np.maximum(near + far, 1e-6)).astype(np.float32)
    return share


class Predictor:
    """Answers with a network: four patches of 320 px, each with the others, at most `contexts`, as its contexts.

    As in a pipeline, colour evidence is gathered beyond the patch, not so with `apart`; and patches are told what the
    network made of the whole, reduced, if `overview`.
    """

    def __init__(self, model: HDMatt, contexts: int = 3, apart: bool = False, overview: bool = True) -> None:
        self._model = model.eval()
        self._contexts = contexts
        self._apart = apart
        self._overview = overview and model.preset.evidence

    @torch.inference_mode()
    def __call__(self, picture: Picture) -> Floats:
        """Return alpha (640, 640) in 0..1."""
        device = next(self._model.parameters()).device
        batch = quarters(picture, device)
        if self._overview and not self._apart:
            batch = self._told(batch, batch_of(whole([reduced(picture)]).to(device)))
        index = torch.where(torch.arange(3, device=device) < self._contexts, batch.contexts, -1)
        features, skips = self._model.encoder(batch.x, None if self._apart else batch.evidence)
        fused = self._model.context(features, batch.regions, features, batch.regions, index)
        alpha: Floats = finished(batch.x, self._model.decoder.around(fused, skips))[:, 0].cpu().numpy()
        joined: Floats = np.vstack([np.hstack(list(alpha[at : at + 2])) for at in (0, 2)])
        return joined

    def _told(self, batch: Batch, overview: Batch) -> Batch:
        alpha = self._model(overview.x, overview.regions, overview.contexts, overview.evidence).clamp(0.0, 1.0)
        return batch._replace(planes=told(batch.planes, alpha, batch.places))


def quarters(picture: Picture, device: torch.device) -> Batch:
    """Cut a 640-px picture into its four patches, each with the others as contexts, all told of its overview."""
    contexts = np.array([[row for row in range(4) if row != own] for own in range(4)])
    drawing = sheet([picture], [_CORNERS], PATCH, contexts)
    return batch_of(drawing._replace(told=torch.ones(4, dtype=torch.bool)).to(device))
