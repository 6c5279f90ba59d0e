"""Start the encoder from an ImageNet ResNet-34."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from hdmatt_core.errors import UserError
from hdmatt_core.nn.encoder import Encoder


def load_torchvision_resnet34(encoder: Encoder, state_dict: Mapping[str, Tensor]) -> None:
    """Copy a ResNet-34 state with torchvision's names into the trunk of an `hdmatt-r34` encoder.

    All channels of conv1 but colour begin at zero and `fc.*` is ignored; raises UserError naming any other tensor that
    is missing, surplus or of another shape.
    """
    trunk = encoder.trunk
    given = {name: value for name, value in state_dict.items() if not name.startswith("fc.")}
    if "conv1.weight" in given:
        given["conv1.weight"] = _padded(given["conv1.weight"], trunk.conv1.in_channels)
    own = trunk.state_dict()
    # Old files lack the batch counters, which nothing reads.
    wanted = {name for name in own if not name.endswith("num_batches_tracked") or name in given}
    _refuse("lacks", wanted - given.keys())
    _refuse("has surplus", given.keys() - own.keys())
    _refuse("has another shape for", {name for name in wanted if own[name].shape != given[name].shape})
    trunk.load_state_dict({**own, **given})


def _padded(weight: Tensor, channels: int) -> Tensor:
    if weight.ndim != 4 or weight.shape[1] > channels:
        return weight
    rest = torch.zeros(weight.shape[0], channels - weight.shape[1], *weight.shape[2:], dtype=weight.dtype)
    return torch.cat([weight, rest], dim=1)


def _refuse(what: str, names: set[str]) -> None:
    if names:
        some = ", ".join(sorted(names)[:3])
        raise UserError(f"the ResNet-34 state {what} {some}; give torchvision's resnet34 state_dict()")
