"""``hdmatt train``: the network, from a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    config: Annotated[Path, typer.Argument(help="A training configuration, as docs/training/hdmatt-s.yaml.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
) -> None:
    """Train the network as a configuration says; checkpoints are written every few minutes.

    [bold]Example[/bold]

    hdmatt train docs/training/hdmatt-s.yaml --resume
    """
    from hdmatt_core.training.loop import train as run_training

    run_training(config, resume=resume)
