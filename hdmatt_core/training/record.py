"""The record of a run: a line of JSON for everything that is noted, and the curves to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hdmatt_core.training.curves import Curve, draw_curves


class Record:
    """`log.jsonl` and `curves.png` in the folder of a run; goes on with the log of a run that is resumed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log, self._picture = folder / "log.jsonl", folder / "curves.png"
        if self._log.exists():  # a run that was killed may have left half a line
            with self._log.open("rb+") as file:
                file.truncate(file.read().rfind(b"\n") + 1)

    def add(self, **values: object) -> None:
        """Append a line; what holds `step` and `loss`, or `val` (SAD and MSE), becomes a point of the curves."""
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def draw(self) -> None:
        """Draw the curves of loss and validation error over steps."""
        lines = [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]
        curves = [
            Curve("training loss", _points(lines, lambda line: line.get("loss"))),
            Curve("SAD on the validation pictures", _points(lines, lambda line: line.get("val", [None])[0])),
            Curve("MSE on the validation pictures", _points(lines, lambda line: line.get("val", [None, None])[1])),
        ]
        partial = self._picture.with_name(f".{self._picture.name}")
        draw_curves([curve for curve in curves if len(curve.points) > 1]).save(partial, "PNG")
        partial.replace(self._picture)


def _points(lines: list[dict[str, Any]], value: Any) -> list[tuple[float, float]]:
    """Step and value of the lines that hold one; a resumed run repeats some steps, and the later word counts."""
    found = {line["step"]: value(line) for line in lines if value(line) is not None}
    return sorted(found.items())
