"""``hdmatt train``: the network, from a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hdmatt_core.training.loop import Trainer


def train(
    config: Annotated[Path, typer.Argument(help="A training configuration, as docs/training/hdmatt-s.yaml.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
) -> None:
    """Train the network as a configuration says; checkpoints are written every few minutes.

    The configuration's folder [bold]out[/bold] gets weights.safetensors, state.safetensors (to resume from), log.jsonl
    and curves.png.

    [bold]Example[/bold]

    hdmatt train docs/training/hdmatt-s.yaml --resume
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from hdmatt_core.training.loop import train as run_training

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("training", total=1.0)

        def show(trainer: Trainer) -> None:
            bar.update(task, completed=trainer.progress, description=f"step {trainer.step}, loss {trainer.loss:.4f}")

        weights = run_training(config, resume=resume, listener=show)
    typer.echo(weights)
