"""Weights in one safetensors file: no pickle, verified before use."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from hdmatt_core.errors import UserError
from hdmatt_core.nn.header import FORMAT, WeightsHeader, read_header
from hdmatt_core.nn.locate import resolve
from hdmatt_core.nn.network import HDMatt
from hdmatt_core.nn.presets import find_preset

_COUNTERS = "num_batches_tracked"


def load(name_or_path: str | Path, preset: str | None = None) -> HDMatt:
    """Return the network with its weights, float32, in evaluation mode.

    Raises UserError where the file is missing, damaged, of another preset than the one asked for, or does not fit.
    """
    path = resolve(name_or_path)
    header = read_header(path)
    if preset is not None and header.preset != preset:
        raise UserError(f"weights {path} are of preset '{header.preset}', not '{preset}'; change one of the two")
    model = HDMatt(find_preset(header.preset))
    _fill(model, _verified(path, header), path)
    return model.eval()


def save(
    model: HDMatt,
    path: str | Path,
    *,
    commit: str,
    data: str,
    state: Mapping[str, Tensor] | None = None,
    extra: Mapping[str, str] | None = None,
) -> str:
    """Write weights as float16 (statistics of batch normalisation as float32), atomically; return their sha256.

    `state` stands in for the model's own state, e.g. its moving average; `commit` and `data` say how it was made.
    """
    tensors = _stored(model.state_dict() if state is None else state)
    digest = hashlib.sha256(_data_section(safetensors.torch.save(tensors))).hexdigest()
    named = {"format": FORMAT, "preset": model.preset.name, "commit": commit, "data": data, "sha256": digest}
    write_atomically(Path(path), safetensors.torch.save(tensors, {**(extra or {}), **named}))
    return digest


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, meets the old content or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def _stored(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    kept = {name: value for name, value in state.items() if not name.endswith(_COUNTERS)}
    return {
        name: value.detach().to("cpu", torch.float32 if "running_" in name else torch.float16).contiguous()
        for name, value in kept.items()
    }


def _data_section(content: bytes) -> bytes:
    return content[8 + struct.unpack("<Q", content[:8])[0] :]


def _verified(path: Path, header: WeightsHeader) -> dict[str, Tensor]:
    content = path.read_bytes()
    if hashlib.sha256(content[header.start :]).hexdigest() != header.sha256:
        raise UserError(f"weights {path} are damaged (sha256 differs from the header's); download or train them again")
    tensors: dict[str, Tensor] = safetensors.torch.load(content)
    return tensors


def _fill(model: HDMatt, tensors: dict[str, Tensor], path: Path) -> None:
    own = model.state_dict()
    wanted = {name: value for name, value in own.items() if not name.endswith(_COUNTERS)}
    odd = sorted(wanted.keys() ^ tensors.keys())
    odd += [name for name in wanted.keys() & tensors.keys() if wanted[name].shape != tensors[name].shape]
    if odd:
        some = ", ".join(odd[:3])
        raise UserError(f"weights {path} do not fit this version of {model.preset.name} ({some}); train them again")
    model.load_state_dict({**own, **{name: value.float() for name, value in tensors.items()}})
