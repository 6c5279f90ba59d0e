"""From the name of weights to their file; needs no torch."""

from __future__ import annotations

import difflib
from pathlib import Path

from hdmatt_core.errors import UserError
from hdmatt_core.nn.presets import PRESETS

WEIGHTS = {"hdmatt-s": Path(__file__).parent / "weights" / "hdmatt-s.safetensors"}


def resolve(name_or_path: str | Path) -> Path:
    """Return the file of shipped weights by name, or the path itself; raises UserError where there is none."""
    name = str(name_or_path)
    if name in WEIGHTS:
        return WEIGHTS[name]
    if name in PRESETS:
        cure = f"train them with `hdmatt train CONFIG` (preset: {name}) and give their path"
        raise UserError(f"no weights are shipped for '{name}'; {cure}")
    path = Path(name_or_path)
    if path.is_file():
        return path
    near = difflib.get_close_matches(name, WEIGHTS, n=1)
    cure = f"did you mean '{near[0]}'?" if near else f"shipped: {', '.join(WEIGHTS)}"
    raise UserError(f"there are no weights '{name}', neither by name nor as a file; {cure}")
