"""The exponential moving average of weights and statistics, which is what is validated and delivered."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """Moving average of a module's floating-point state; early steps count more, so that the start is forgotten."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._decay = decay
        self.state = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Take in the module's state after `step` optimiser steps."""
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, share)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue from a saved average."""
        for name, value in state.items():
            self.state[name].copy_(value)
