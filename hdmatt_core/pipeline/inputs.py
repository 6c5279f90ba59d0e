"""How inputs are read, and what that takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from hdmatt_core.pipeline.resources import PROCESS_BYTES, Resources
from hdmatt_core.spec import ArraySpec

Reading = Literal["windows", "decoded", "streamed"]

BAND = 1024
DECODER_BYTES = 100 << 20
"""Rows of a streamed band, and what a streaming decoder takes beside two of them (measured)."""
DECODED_SHARE = 3
"""Inputs are decoded whole if they take at most one part in so many of the budget beside the processes."""


@dataclass(frozen=True)
class InputPlan:
    """How an input is read: by windows, decoded once per process, or streamed into the run's store first."""

    spec: ArraySpec
    reading: Reading
    resident: int  # bytes held by each process
    window: int  # bytes taken while a window is read
    piece: int = 0  # bytes taken while a piece is read in sequence, where that is more than two displayed bands
    reduced_from: InputPlan | None = None  # how the full size is read, of which a preview is made

    @property
    def streaming(self) -> int:
        """Bytes taken while the input is copied into the store: a band, the shards it fills, and the decoder."""
        own = max(2 * BAND * self.spec.row_bytes, self.piece) + DECODER_BYTES
        full = self.reduced_from
        if full is None:
            return own
        return own + (full.streaming if full.reading == "streamed" else full.resident + full.window)

    @property
    def copied(self) -> int:
        """Bytes of the store that the copy takes."""
        return self.spec.nbytes + (self.reduced_from.copied if self.reduced_from else 0) if self.streamed else 0

    @property
    def streamed(self) -> bool:
        return self.reading == "streamed"


def read_inputs(inputs: Mapping[str, InputPlan], resources: Resources) -> dict[str, InputPlan]:
    """Inputs that must be decoded whole are streamed into the store where they would take too much of the budget."""
    processes = max(1, resources.processes)
    held = sum(p.resident for p in inputs.values()) * processes
    free = resources.budget - PROCESS_BYTES * processes
    if held <= free // DECODED_SHARE or free <= 0:  # with nothing free the plan will say so, and by how much
        return dict(inputs)
    return {n: replace(p, reading="streamed", resident=0, window=0) if p.resident else p for n, p in inputs.items()}
