"""Training state on disk: tensors in safetensors, progress in JSON; no pickle."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from hdmatt_core.errors import UserError
from hdmatt_core.nn.weights import write_atomically
from hdmatt_core.training.average import Average

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


def save_state(
    folder: Path, model: nn.Module, average: Average, optimizer: Optimizer, progress: dict[str, float]
) -> None:
    """Write everything a resumed run needs; `progress` holds the steps done and the minutes spent."""
    tensors = {f"model:{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"ema:{name}": value for name, value in average.state.items()}
    for name, parameter in model.named_parameters():
        moments = optimizer.state.get(parameter, {})
        tensors |= {f"{kind}:{name}": moments[kind] for kind in _MOMENTS if kind in moments}
    content = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    # Progress travels inside the file: two files could be of two different moments after a crash.
    write_atomically(_file(folder), safetensors.torch.save(content, {"progress": json.dumps(progress)}))


def load_state(folder: Path, model: nn.Module, average: Average, optimizer: Optimizer) -> dict[str, float]:
    """Restore what `save_state` wrote and return its progress; raises UserError where there is nothing to resume."""
    path = _file(folder)
    if not path.is_file():
        raise UserError(f"there is no training state {path} to resume; start without --resume")
    with safetensors.safe_open(path, "pt") as file:
        progress: dict[str, float] = json.loads(file.metadata()["progress"])
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    try:
        model.load_state_dict(_part(tensors, "model"))
    except RuntimeError:
        raise UserError(f"{path} is of another network; resume with the configuration it was begun with") from None
    average.restore(_part(tensors, "ema"))
    _restore_moments(model, optimizer, tensors)
    return progress


def _restore_moments(model: nn.Module, optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    for name, parameter in model.named_parameters():
        moments = {kind: tensors[f"{kind}:{name}"] for kind in _MOMENTS if f"{kind}:{name}" in tensors}
        if moments:
            # The count of steps stays on the processor, where the optimiser reads it.
            optimizer.state[parameter] = {k: v if k == "step" else v.to(parameter.device) for k, v in moments.items()}


def _part(tensors: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{kind}:"): torch.clone(v) for name, v in tensors.items() if name.startswith(f"{kind}:")}


def _file(folder: Path) -> Path:
    return folder / "state.safetensors"
